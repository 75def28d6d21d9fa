#include "bus/crypto/digest.hpp"
#include "bus/envelope.hpp"
#include "bus/http/query_parameters.hpp"
#include "bus/memory/memory_log.hpp"
#include "projections/api/api_context.hpp"
#include "projections/api/event_graph.hpp"
#include "projections/calls/calls_fold.hpp"
#include "projections/dead_letters/dead_letters_fold.hpp"
#include "projections/identity/identity_fold.hpp"
#include "projections/ingest/events_fold.hpp"
#include "projections/ingest/requests_fold.hpp"
#include "projections/timeline/timeline_fold.hpp"
#include "schemas/json/json.hpp"
#include "tests/support/folding.hpp"
#include "tests/support/registry_double.hpp"

#include <doctest/doctest.h>

using namespace projections;
using bus::http::Response;
using tests::record_id;

namespace {

constexpr bus::TenantId tenant{5};
constexpr bus::SourceId source{7};
const CallsFold calls;
const RequestsFold requests;
const EventsFold events;
const DeadLettersFold dead_letters;
const IdentityFold identity;
const TimelineFold timeline;
const std::vector<const Projection*> all = {&calls,        &requests, &events,
                                            &dead_letters, &identity, &timeline};

// A log with records, the rows of them, and the routes over both.
class Product final : public ReadPort {
public:
    Product() {
        registry_.add_source(source, "shop");
        registry_.add_mapping("stamp");
    }

    // What is received from now on is mapped with it.
    void map_with(std::string_view yaml) {
        auto mapping = schemas::BoundMapping::bind(*schemas::Mapping::compile(yaml, "m"), {});
        REQUIRE(mapping);
        stamp_ = (*mapping)->stamp();
        registry_.add_mapping(*std::move(mapping));
    }

    void receive(std::uint64_t number, const std::string& body, const std::string& content_type,
                 bus::TenantId owner = tenant) {
        const bus::Timestamp now{bus::seconds{1'700'000'000 + number}};
        bus::NewRecord record;
        record.topic = bus::Topic::chat;
        record.key = "k";
        record.value = body;
        write_envelope({.id = record_id(number),
                        .tenant = owner,
                        .source = source,
                        .type = bus::raw_event_type,
                        .time = now,
                        .ingest_time = now,
                        .trace_parent = {},
                        .content_type = content_type,
                        .mapping = stamp_},
                       record.headers);
        const auto appended = append_and_wait(log_, std::move(record), bus::seconds{5});
        REQUIRE(appended);
        fold(appended->address);
    }

    // The log keeps the body, as one that cannot take it out.
    void erase(bus::Offset offset) {
        registry_.erase(tenant, {.topic = bus::Topic::chat, .partition = 0, .offset = offset});
    }

    Response get(const std::string& pattern, const std::string& id = "",
                 const std::string& query = "", bus::TenantId caller = tenant) {
        bus::http::Request request;
        request.query = query;
        const bus::http::Call call{.request = request,
                                   .caller = {.tenant = caller, .admin = false, .key_id = {}},
                                   .path_parameters = {{"id", id}},
                                   .request_id = "r"};
        auto routes = api::ingest_routes(context_);
        auto more = api::call_routes(context_);
        routes.insert(routes.end(), more.begin(), more.end());
        for (const bus::http::Route& route : routes) {
            if (route.pattern != pattern) continue;
            auto refused = bus::http::refuse_unknown_parameters(route, query);
            return refused ? *std::move(refused) : route.handle(call);
        }
        FAIL("no route ", pattern);
        return {};
    }

    bus::Result<std::unique_ptr<ReadView>> view(bus::TenantId caller,
                                                std::string_view projection) override {
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (all[i]->name() == projection)
                return std::unique_ptr<ReadView>(std::make_unique<MemoryReadView>(
                    rows_, static_cast<InstanceId>(i + 1), caller));
        }
        return bus::fail(bus::ErrorCode::not_found, "no projection {}", projection);
    }
    bus::Position position(bus::TenantId) override { return {}; }
    bus::Result<bool> wait_for(bus::TenantId, const bus::Position&, bus::milliseconds) override {
        return true;
    }

private:
    void fold(const bus::Address& address) {
        const auto owned = log_.read_at(address);
        REQUIRE(owned);
        const bus::RecordView record{owned->address, owned->key, owned->headers, owned->value};
        const auto envelope = bus::read_envelope(record.headers);
        schemas::Scratch scratch;
        const auto& mapped =
            registry_.bound_mapping(stamp_)->map(record, *envelope, "shop", scratch);
        Batch batch{rows_, nullptr};
        for (std::size_t i = 0; i < all.size(); ++i) {
            Rows& rows = batch.rows(static_cast<InstanceId>(i + 1), envelope->tenant);
            for (const auto& event : mapped.events) all[i]->fold(event, rows);
            for (const auto& failure : mapped.failures)
                all[i]->failed({.raw_id = envelope->id,
                                .source = source,
                                .source_slug = "shop",
                                .address = address,
                                .ingest_time = envelope->ingest_time,
                                .path = failure.path,
                                .reason = failure.reason,
                                .mapping = stamp_},
                               rows);
            all[i]->seen({.raw_id = envelope->id,
                          .source = source,
                          .source_slug = "shop",
                          .type = envelope->type,
                          .address = address,
                          .ingest_time = envelope->ingest_time,
                          .headers = record.headers,
                          .value_bytes = record.value.size()},
                         rows);
        }
        rows_.apply(*batch.finish());
    }

    bus::memory::MemoryLog log_;
    support::RegistryDouble registry_;
    std::string stamp_ = "stamp";
    const std::shared_ptr<const MeasureSet> measures_ = *MeasureSet::compile({});
    MemoryRows rows_;
    api::ApiContext context_{*this, registry_, *measures_, log_};
};

std::string id(std::uint64_t number) {
    return bus::to_string(record_id(number));
}

std::string header(const Response& response, std::string_view name) {
    for (const auto& [key, value] : response.headers) {
        if (key == name) return value;
    }
    return "";
}

std::size_t nodes_of(schemas::json::Value node) {
    std::size_t count = 1;
    node["children"].each_element([&](schemas::json::Value child) { count += nodes_of(child); });
    return count;
}

bool holds(const Response& response, std::string_view text) {
    return response.body.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("ingest routes: the raw bytes come as they were sent, never as a page") {
    Product product;
    product.receive(1, "<script>hi</script>", "text/html");
    const Response raw = product.get("/v1/ingest/requests/:id/raw", id(1));
    CHECK(raw.status == 200);
    CHECK(raw.body == "<script>hi</script>");
    CHECK(raw.content_type == "text/html");
    CHECK(header(raw, "X-Content-Type-Options") == "nosniff");
    CHECK(header(raw, "Content-Disposition").starts_with("attachment"));
}

TEST_CASE("ingest routes: an erased body is not given away where the log keeps it") {
    Product product;
    product.receive(1, "secret", "text/plain");
    product.receive(2, "kept", "text/plain");
    product.erase(0);
    for (const char* pattern : {"/v1/ingest/requests/:id/raw", "/v1/events/:id"}) {
        CHECK(product.get(pattern, id(1)).status == 410);
        CHECK(product.get(pattern, id(2)).status == 200);
    }
    CHECK(holds(product.get("/v1/events/:id/graph", id(1)), "erased for good"));
    CHECK_FALSE(holds(product.get("/v1/events/:id/graph", id(2)), "erased for good"));
}

TEST_CASE("ingest routes: a content type that is no header value is not sent") {
    Product product;
    product.receive(1, "x", "text/html\r\nSet-Cookie: a=b");
    CHECK(product.get("/v1/ingest/requests/:id/raw", id(1)).content_type ==
          "application/octet-stream");
}

TEST_CASE("ingest routes: another tenant's requests and events do not exist") {
    Product product;
    product.receive(1, "hello", "text/plain");
    for (const char* pattern :
         {"/v1/ingest/requests/:id", "/v1/ingest/requests/:id/raw", "/v1/events/:id"})
        CHECK(product.get(pattern, id(1), "", bus::TenantId{6}).status == 404);
    CHECK(holds(product.get("/v1/ingest/requests", "", "", bus::TenantId{6}), R"("data":[])"));
}

TEST_CASE("ingest routes: lists answer ids newest first, and refuse what they do not know") {
    Product product;
    product.receive(1, "one", "text/plain");
    product.receive(2, "two", "text/plain");
    const Response list = product.get("/v1/ingest/requests", "", "limit=1");
    CHECK(list.status == 200);
    CHECK(holds(list, R"("id":")" + id(2) + R"(","source":"shop","received_at":)"));
    CHECK_FALSE(holds(list, id(1)));
    CHECK(holds(list, R"("next_cursor":)"));
    CHECK(product.get("/v1/ingest/requests", "", "status=maybe").status == 400);
    CHECK(product.get("/v1/ingest/requests", "", "color=red").status == 400);
    CHECK(product.get("/v1/ingest/requests", "", "cursor=!").status == 400);
}

TEST_CASE("events route: an event is mapped again from its record") {
    Product product;
    product.receive(1, "hello there", "text/plain");
    const Response event = product.get("/v1/events/:id", id(1));
    CHECK(event.status == 200);
    CHECK(holds(event, R"("type":"test.said")"));
    CHECK(holds(event, R"("raw_id":")" + id(1) + '"'));
    CHECK(holds(event, R"("fields":{"text":"hello there"})"));
    schemas::json::Parser parser;
    CHECK(parser.parse(event.body));
    CHECK(holds(product.get("/v1/events", "", "type=test.*"), id(1)));
    CHECK_FALSE(holds(product.get("/v1/events", "", "type=other.*"), id(1)));
}

TEST_CASE("graph route: of a record with very many events it shows the asked one and some more") {
    Product product;
    product.map_with(
        "mapping: m\nchannel: chat\nfor_each: {e: 'e[]'}\n"
        "fields: {call_id: {const: c1}, caller: {const: '+919811111112'}, object_id: $e}\n"
        "time: {from: $e, format: unix_s}\nidentity: {phone: caller}\n"
        "emit: [{type: ivr.call.reported}, {type: ivr.call.started}]\n");
    const auto receive = [&](std::uint64_t number, std::size_t count) {
        std::string list = "1700000000";
        for (std::size_t i = 1; i < count; ++i) list += fmt::format(",{}", 1'700'000'000 + i);
        product.receive(number, fmt::format(R"({{"e":[{}]}})", list), "application/json");
        const std::string index = std::to_string(2 * count - 1);
        return bus::to_string(bus::crypto::hash_id({record_id(number).view(), index}));
    };
    const auto graph = [&](const std::string& event) {
        const Response answer = product.get("/v1/events/:id/graph", event);
        REQUIRE(answer.status == 200);
        schemas::json::Parser parser;
        const auto parsed =
            parser.parse(answer.body, {.bytes_max = 64 << 20, .keys_max = 1'000'000});
        REQUIRE(parsed);
        const auto root = (*parsed)["graph"];
        schemas::json::Value asked;
        root["children"].each_element([&](schemas::json::Value child) {
            if (child["asked"].boolean() == true) asked = child;
        });
        CHECK(asked["id"].text() == event);
        CHECK(asked["children"].size() == 3);  // customer, line and call
        CHECK(nodes_of(root) <= api::graph_nodes_max);
        return root["more"].boolean() == true;
    };
    CHECK_FALSE(graph(receive(1, 1)));
    CHECK(graph(receive(2, 1'000)));
}

TEST_CASE("graph route: a mail's line is shown, whatever time its sender's clock tells") {
    Product product;
    product.map_with(
        "mapping: m\nchannel: email\nfields: {message_id: id, customer_email: from}\n"
        "time: {from: date, format: unix_s}\nidentity: {email: customer_email}\n"
        "emit: [{type: email.message.received}]\n");
    for (const std::uint64_t date : {1'600'000'000ull, 51'700'000'000ull}) {
        const std::uint64_t number = date / 1'000'000'000;
        product.receive(number,
                        fmt::format(R"({{"id":"<{0}@x>","from":"a@x.in","date":{0}}})", date),
                        "application/json");
        const Response graph = product.get("/v1/events/:id/graph", id(number));
        REQUIRE(graph.status == 200);
        CHECK_MESSAGE(holds(graph, R"("kind":"line")"), graph.body);
    }
}

TEST_CASE("quarantine route: what did not map stands there with its reason") {
    Product product;
    product.receive(1, "bad", "text/plain");
    product.receive(2, "good", "text/plain");
    const Response list = product.get("/v1/quarantine");
    CHECK(holds(list, R"("raw_id":")" + id(1) + '"'));
    CHECK(holds(list, R"("reason":"it is bad")"));
    CHECK_FALSE(holds(list, id(2)));
}

TEST_CASE("call routes: lists and badges answer, unknown words are refused") {
    Product product;
    CHECK(
        holds(product.get("/v1/ivr-calls", "", "live=true&number=98765%2043210"), R"("data":[])"));
    CHECK(holds(product.get("/v1/calls/dashboard/call-list", "", "sort=-started_at"),
                R"("total":0)"));
    CHECK(product.get("/v1/ivr-calls/counts").body == R"({"live":{},"hangup":{}})");
    CHECK(product.get("/v1/ivr-calls", "", "live=perhaps").status == 400);
    CHECK(product.get("/v1/ivr-calls", "", "sort=agent").status == 400);
    CHECK(product.get("/v1/ivr-calls/:id", "call_x").status == 404);
}
