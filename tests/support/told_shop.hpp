// A shop with some messages, calls and parcels, told to a running product, and everything that it
// can be asked about them: two installations hold the same when their answers are.
#pragma once

#include "tests/support/sample_webhooks.hpp"

#include <map>
#include <optional>
#include <regex>

namespace tests {

class ToldShop {
public:
    explicit ToldShop(const Addresses& addresses) {
        client_.emplace(addresses);
        tenant_ = client_->create_tenant("shop");
        chat_ = client_->create_source(tenant_, "interakt", "chat", "s1");
        calls_ = client_->create_source(tenant_, "ivr", "calls", "s2", std::string(ivr_source));
    }

    // The product may stand elsewhere after a restart; what was told last is known up to
    // `position`.
    void moved_to(const Addresses& addresses, const std::string& position) {
        client_.emplace(addresses);
        position_ = position;
    }

    void tell(int from, int to) {
        Sender chat(*client_, chat_), calls(*client_, calls_);
        for (int i = from; i < to; ++i) {
            const auto customer = fmt::format("9198111111{:02}", i % 7);
            chat.send(interakt_message(fmt::format("m{}", i), customer, fmt::format("text {}", i),
                                       fmt::format("2026-03-01T09:{:02}:00", i % 60), "s1"));
            if (i % 3 == 0)
                calls.send(ivr_call(fmt::format("c{}", i), "0" + customer.substr(2),
                                    i % 2 ? "ANSWER" : "NOANSWER",
                                    fmt::format("2026-03-01 08:{:02}:00", i % 60),
                                    fmt::format("2026-03-01 08:{:02}:40", i % 60), "s2"));
        }
        position_ = later(position_, later(chat.position(), calls.position()));
    }

    // Every read route without a path parameter, and the parts of what they list. Positions
    // differ between logs, and ranges that end now between moments: both are left out.
    std::map<std::string, std::string> answers() {
        answers_.clear();
        const Document openapi(client_->api("GET", "/openapi.json"));
        openapi["paths"].each_member([&](std::string_view path, schemas::json::Value methods) {
            const bool fits = path.starts_with("/v1/") && path.find('{') == path.npos &&
                              path.find("/operator/") == path.npos &&
                              path.find("/jobs") == path.npos && methods["get"];
            // Sources show their token addresses, which come from each folder's own key.
            if (fits && path != "/v1/sources") ask(std::string(path));
        });
        for (int customer = 0; customer < 7; ++customer)
            ask(fmt::format("/v1/customer-timeline/9811111{:03}?limit=200", 100 + customer));
        for (const std::string measure : {"messages", "calls", "events"})
            ask("/v1/measures/" + measure +
                "?from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z&bucket=hour");
        ask_each("/v1/conversations", {"", "/messages?limit=200"});
        ask_each("/v1/ivr-calls", {""});
        ask_each("/v1/events", {""});
        return answers_;
    }

    ProductClient& client() { return *client_; }
    const Tenant& tenant() const { return tenant_; }
    const Source& chat_source() const { return chat_; }
    const std::string& position() const { return position_; }

private:
    void ask(const std::string& target) {
        static const std::regex moment(R"("position":"[^"]*"|"range":\{[^}]*\})");
        const auto answer = client_->read(tenant_, target, position_);
        // What a route without its parameters refuses is the same refusal everywhere.
        answers_[target] =
            std::to_string(answer.status) + " " + std::regex_replace(answer.body, moment, "\"\"");
    }
    void ask_each(const std::string& list, const std::vector<std::string>& parts) {
        const auto objects = client_->list(tenant_, list + "?limit=200", position_);
        for (const auto& object : objects.data())
            for (const auto& part : parts)
                ask(fmt::format("{}/{}{}", list, object["id"].text(), part));
    }

    std::optional<ProductClient> client_;
    Tenant tenant_;
    Source chat_, calls_;
    std::string position_;
    std::map<std::string, std::string> answers_;
};

}  // namespace tests
