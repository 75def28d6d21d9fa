// Who has seen an honest webhook and sends it again: at once, with other headers around it, after a
// restart, and when its time stamp has grown old. It takes effect once, for every provider.
#include "tests/support/running_platform.hpp"
#include "tools/demo/demo_sources.hpp"
#include "tools/demo/request_signer.hpp"
#include "tools/demo/sample_traffic.hpp"

#include <doctest/doctest.h>

#include <map>

using namespace tests;
using bus::net::ClientRequest;

namespace {

constexpr std::size_t samples_of_each = 3;
constexpr bus::seconds past_every_tolerance{301};

class AheadClock final : public bus::Clock {
public:
    bus::Timestamp now() override { return bus::system_clock().now() + ahead.load(); }
    std::atomic<bus::seconds> ahead{bus::seconds{0}};
};

struct Captured {
    std::string name;  // its source
    ClientRequest request;
    bool is_timed = false;  // its signature is over a time
};

class Attacked {
public:
    Attacked() {
        const std::stop_token never;
        auto made = tools::demo::make_tenant(running_.platform(), client_, never);
        REQUIRE_MESSAGE(made, made.error().message);
        tenant_ = *std::move(made);
        std::map<std::string, std::size_t> counts;
        for (const auto& event : tools::demo::sample_traffic(bus::system_clock().now()))
            if (!event.slug.empty() && counts[event.slug]++ < samples_of_each) capture(event);
        CHECK(counts.size() >= 8);
    }

    void check_replays(const std::function<void(ClientRequest&)>& change) {
        const auto before = records_kept();
        for (const Captured& captured : captured_) {
            ClientRequest again = captured.request;
            change(again);
            CAPTURE(captured.name);
            const auto answer = send(again);
            CHECK_MESSAGE(answer.status / 100 == 2, answer.body);
            CHECK_MESSAGE(is_duplicate(answer), answer.body);
        }
        CHECK(records_kept() == before);
    }

    void check_stale() {
        clock_.ahead = past_every_tolerance;
        const auto before = records_kept();
        std::size_t timed = 0;
        for (const Captured& captured : captured_) {
            CAPTURE(captured.name);
            const auto answer = send(captured.request);
            timed += captured.is_timed;
            if (captured.is_timed)
                CHECK(answer.status == 401);
            else
                CHECK(answer.status / 100 == 2);
        }
        CHECK(timed > 0);
        CHECK(records_kept() == before);
    }

    void restart() {
        const std::string old = running_.addresses().ingress;
        running_.stop();
        running_.start();
        for (Captured& captured : captured_)
            captured.request.url.replace(0, old.size(), running_.addresses().ingress);
    }

private:
    void capture(const tools::demo::SampleEvent& event) {
        const tools::demo::DemoSource& source = tenant_.sources.at(event.slug);
        ClientRequest request{.method = event.is_query ? "GET" : "POST",
                              .url = source.url + (event.is_query ? "?" + event.body : ""),
                              .headers = {},
                              .body = event.is_query ? std::string{} : event.body};
        tools::demo::sign_request(source.verification, source.secret, event.id, clock_.now(),
                                  request);
        if (!event.is_query) request.headers.emplace_back("content-type", event.content_type);
        CAPTURE(event.slug);
        const auto answer = send(request);
        REQUIRE_MESSAGE(answer.status / 100 == 2, answer.body);
        const schemas::Verification& scheme = source.verification;
        const bool is_timed = scheme.kind == "standard_webhooks" ||
                              scheme.signed_text.find("{timestamp}") != std::string::npos;
        if (!is_duplicate(answer)) captured_.push_back({event.slug, std::move(request), is_timed});
    }

    Answer send(const ClientRequest& request) {
        auto answer = client_.call(request);
        REQUIRE_MESSAGE(answer, answer.error().message);
        return *std::move(answer);
    }
    // A provider that wants an answer of its own is told nothing; the log's count tells.
    static bool is_duplicate(const Answer& answer) {
        const bool tells = answer.body.find("\"duplicate\"") != std::string::npos;
        return !tells || answer.body.find("\"duplicate\":true") != std::string::npos;
    }

    // By topic; what was refused is not what took effect.
    std::map<std::string, std::int64_t> records_kept() {
        auto client = running_.client();
        const Document list(
            client.api("GET", "/v1/operator/topics",
                       {{"authorization", "Bearer " + running_.addresses().admin_key}}));
        std::map<std::string, std::int64_t> kept;
        for (const auto topic : list.data()) {
            const std::string name = topic["topic"].scalar_text();
            if (name.find("rejected") == std::string::npos &&
                name.find("control") == std::string::npos)
                kept[name] += topic["records"].integer().value_or(0);
        }
        CHECK(kept.size() > 3);
        return kept;
    }

    AheadClock clock_;
    RunningPlatform running_{{}, clock_};
    bus::net::HttpClient client_;
    tools::demo::DemoTenant tenant_;
    std::vector<Captured> captured_;
};

}  // namespace

TEST_CASE("a replayed webhook of any provider takes effect once, and a stale one none") {
    Attacked attacked;
    attacked.check_replays([](ClientRequest&) {});
    attacked.check_replays([](ClientRequest& request) {
        std::reverse(request.headers.begin(), request.headers.end());
        for (auto& [name, value] : request.headers)
            for (char& c : name) c = static_cast<char>(std::toupper(c));
        request.headers.emplace_back("x-request-id", "another");
        request.headers.emplace_back("user-agent", "another");
        request.headers.emplace_back("idempotency-key", "another");
    });
    attacked.restart();
    attacked.check_replays([](ClientRequest&) {});
    attacked.check_stale();
}
