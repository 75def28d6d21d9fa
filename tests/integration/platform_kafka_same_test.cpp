// The same input, clock and ids on the journal and on a real broker: the same answers, byte for
// byte, but for positions and offsets.
#include "tests/support/local_broker.hpp"
#include "tests/support/running_platform.hpp"

#include <atomic>
#include <fstream>
#include <map>
#include <regex>

using namespace tests;

namespace {

constexpr std::int64_t start_s = 1'772'359'200;  // 2026-03-01T10:00:00Z

// Moves only when the script says so.
class ScriptClock final : public bus::Clock {
public:
    bus::Timestamp now() override { return bus::Timestamp{bus::seconds{now_s_.load()}}; }
    void next() { ++now_s_; }
    std::int64_t seconds() const { return now_s_; }

private:
    std::atomic<std::int64_t> now_s_{start_s};
};

// Ids that count.
class CountingIds final : public bus::IdSource {
public:
    bus::EventId next_event_id(bus::Timestamp) override {
        bus::EventId id;
        write(id, next_id64());
        return id;
    }
    std::uint64_t next_id64() override { return ++last_; }

private:
    static void write(bus::EventId& id, std::uint64_t number) {
        for (std::size_t i = 0; i < 8; ++i)
            id.bytes[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
    }
    std::atomic<std::uint64_t> last_{0};
};

std::string without_positions(std::string body) {
    static const std::regex position(R"("position":"[^"]*")");
    return std::regex_replace(body, position, R"("position":"")");
}

class Script {
public:
    explicit Script(const std::string& log)
        : running_(options_for(log), clock_, ids_), client_(running_.client()) {
        tenant_ = client_.create_tenant("same");
        send();
        read();
    }
    const std::map<std::string, std::string>& answers() const { return answers_; }

private:
    static tools::ServeOptions options_for(const std::string& log) {
        tools::ServeOptions options;
        options.log = log;
        options.public_url = "https://in.example.test";
        options.partitions = 2;
        if (log != "embedded") options.kafka_prefix = LocalBroker::fresh_prefix();
        return options;
    }

    void keep(const Sender& sender) { position_ = later(position_, sender.position()); }

    void send() {
        Sender chat(client_, client_.create_source(tenant_, "interakt", "chat", "s1"));
        Sender calls(client_,
                     client_.create_source(tenant_, "ivr", "calls", "s2", std::string(ivr_source)));
        Sender billing(client_,
                       client_.create_source(tenant_, "generic", "parcels", "s3", make_mapping()));
        for (int i = 0; i < 40; ++i) {
            clock_.next();
            const auto customer = fmt::format("9198111111{:02}", i % 7);
            const auto message = interakt_message(fmt::format("m{}", i), customer, "text",
                                                  fmt::format("2026-03-01T09:{:02}:00", i), "s1");
            chat.send(message);
            if (i % 5 == 0) chat.send(message);  // a duplicate
            if (i % 3 == 0)
                calls.send(ivr_call(fmt::format("c{}", i), "0" + customer.substr(2),
                                    i % 2 ? "ANSWER" : "NOANSWER",
                                    fmt::format("2026-03-01 08:{:02}:00", i),
                                    fmt::format("2026-03-01 08:{:02}:40", i), "s2"));
            if (i % 4 == 0)
                billing.send({.body = fmt::format(R"({{"id":"p{}","phone":"+{}"}})", i, customer),
                              .headers = {{"content-type", "application/json"},
                                          {"x-webhook-secret", "s3"}}});
            if (i == 20)  // parses, does not map
                chat.send(signed_json(R"({"type":"message_received","data":{}})", "s1",
                                      "interakt-signature"));
        }
        keep(chat);
        keep(calls);
        keep(billing);
    }

    std::string make_mapping() {
        const auto put = client_.api("PUT", "/v1/mappings/parcels", tenant_.headers(),
                                     "mapping: parcels\nversion: 1\nchannel: web\nbody: [json]\n"
                                     "fields:\n  customer_phone: {from: $body.phone, as: phone}\n"
                                     "key: [$body.id]\nidentity: {phone: customer_phone}\n"
                                     "emit:\n  - {type: parcel.moved}\n");
        REQUIRE_MESSAGE(put.status == 201, put.body);
        return R"("mapping":"parcels","verification":{"kind":"header"})";
    }

    void ask(const std::string& target) {
        const auto answer = client_.read(tenant_, target, position_);
        REQUIRE_MESSAGE(answer.status == 200, target, ": ", answer.body);
        answers_[target] = without_positions(answer.body);
    }

    void read_each(const std::string& list, const std::vector<std::string>& parts) {
        const auto objects = client_.list(tenant_, list + "?limit=200", position_);
        for (const auto& object : objects.data()) {
            for (const auto& part : parts)
                ask(fmt::format("{}/{}{}", list, object["id"].text(), part));
        }
    }

    static bool is_for_the_admin_key(std::string_view path) {
        return path == "/v1/jobs" || path == "/v1/projections" || path == "/v1/replays" ||
               path == "/v1/retention";
    }

    // Every read route that lists or counts without a path parameter, then single objects.
    void read() {
        const Document openapi(client_.api("GET", "/openapi.json"));
        openapi["paths"].each_member([&](std::string_view path, schemas::json::Value methods) {
            const bool fits = path.starts_with("/v1/") && path.find('{') == path.npos &&
                              path.find("/operator/") == path.npos && methods["get"] &&
                              !is_for_the_admin_key(path);
            // Sources show their token addresses, which come from each folder's own key.
            if (fits && path != "/v1/sources") ask(std::string(path));
        });
        for (int customer = 0; customer < 7; ++customer) {
            ask(fmt::format("/v1/customer-timeline/9811111{:03}?limit=200", 100 + customer));
            ask(fmt::format("/v1/customer-timeline/9811111{:03}/summary", 100 + customer));
        }
        for (const std::string measure : {"messages", "calls", "events"})
            ask("/v1/measures/" + measure +
                "?from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z&bucket=hour");
        ask("/v1/calls/dashboard/overview?from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z");
        read_each("/v1/conversations", {"", "/messages?limit=200"});
        read_each("/v1/ivr-calls", {""});
        read_each("/v1/events", {""});
        read_each("/v1/ingest/requests", {"", "/raw"});
    }

    ScriptClock clock_;
    CountingIds ids_;
    RunningPlatform running_;
    ProductClient client_;
    Tenant tenant_;
    std::string position_;
    std::map<std::string, std::string> answers_;
};

}  // namespace

TEST_CASE("the journal and Kafka give the same answers to the same input") {
    const Script embedded("embedded");
    const Script kafka("kafka:" + LocalBroker::instance().bootstrap());
    CHECK(embedded.answers().size() > 100);
    REQUIRE(embedded.answers().size() == kafka.answers().size());
    for (const auto& one : embedded.answers()) {
        CAPTURE(one.first);
        const auto other = kafka.answers().find(one.first);
        REQUIRE(other != kafka.answers().end());
        CHECK(other->second == one.second);
    }
}
