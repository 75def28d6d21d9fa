#include "tests/prove/key_checks.hpp"

#include "producers/commands/authenticate.hpp"
#include "tests/support/door_bench.hpp"

namespace tests::prove {
namespace {

constexpr std::string_view admin_key = "the-admin-key-of-the-platform", client_key = "key-of-acme",
                           handshake = "hub.mode=subscribe&hub.challenge=1&hub.verify_token=",
                           verify_token = "acme-verify-token", bearer = "Bearer ";

bus::http::Request request_with(bus::http::NameValue credential) {
    bus::http::Request request;
    request.method = "GET";
    request.path = "/v1/events";
    request.headers = {std::move(credential), {"x-client-code", "acme"}};
    return request;
}

}  // namespace

struct KeyChecks::State {
    DoorBench bench;
    std::unique_ptr<producers::Door> door = bench.open();
    producers::commands::Authenticator authenticator{admin_key, bench.registry};
    bus::http::Request admin =
        request_with({"authorization", std::string(bearer) + std::string(admin_key)});
    bus::http::Request client = request_with({"x-api-key", std::string(client_key)});
    std::string door_key{client_key};
    std::string query = std::string(handshake) + std::string(verify_token);

    bool lets_in(const bus::http::Request& request) const {
        return authenticator.authenticate(request).has_value();
    }
    bool takes_event() {
        const std::vector<producers::FieldView> fields{
            {"x-api-key", door_key},
            {"x-client-code", "acme"},
            {"content-type", "application/cloudevents+json"}};
        const auto decision = door->decide(
            {"POST", "/v1/events", "", fields,
             R"({"specversion":"1.0","id":"1","source":"/a","type":"a.b","data":{}})"});
        return std::holds_alternative<producers::AcceptedEvents>(decision);
    }
    bool shakes_hands() {
        const auto decision =
            door->decide({"GET", "/api/whatsapp/webhook/tok-acme-chat", query, {}, ""});
        const auto* answered = std::get_if<producers::Answered>(&decision);
        return answered != nullptr && answered->response.status == 200;
    }
};

KeyChecks::KeyChecks() : state_(std::make_unique<State>()) {}
KeyChecks::~KeyChecks() = default;

std::vector<KeyCheck> KeyChecks::all() {
    State& s = *state_;
    return {
        {"api: the admin's key", s.admin.headers[0].second, bearer.size(),
         [&s] { return s.lets_in(s.admin); }},
        {"api: a client's key", s.client.headers[0].second, 0,
         [&s] { return s.lets_in(s.client); }},
        {"ingress: a client's key", s.door_key, 0, [&s] { return s.takes_event(); }},
        {"ingress: a verify token", s.query, handshake.size(), [&s] { return s.shakes_hands(); }}};
}

}  // namespace tests::prove
