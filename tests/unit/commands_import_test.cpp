// A chunk of the past, into the sources of a platform in memory.
#include "producers/import/import_routes.hpp"
#include "producers/import/importer.hpp"
#include "tests/unit/commands_fixture.hpp"

using namespace commands_test;
using producers::import::LineResult;

namespace {

constexpr std::string_view mapping = R"(mapping: parcels
version: 1
channel: ticketing
body: [json]
fields:
  object_id: {from: id, required: true}
emit:
  - {type: parcel.moved}
)";

struct ImportTest {
    ImportTest() {
        for (const std::string_view code : {"acme", "globex"}) {
            const Client client = make_client(platform, code);
            REQUIRE(client.ask(platform, "PUT", "/v1/mappings/parcels", mapping).status == 201);
            for (const std::string_view shop : {"one", "two"}) {
                const auto made = client.ask(
                    platform, "POST", "/v1/sources",
                    fmt::format(R"({{"kind":"generic","slug":"{}-{}","mapping":"parcels",)"
                                R"("verification":{{"kind":"none"}}}})",
                                code, shop));
                REQUIRE_MESSAGE(made.status == 201, made.body);
            }
        }
    }

    LineResult import(std::string_view slug, std::string_view line) {
        const auto source = platform.node->registry->source_by_slug(slug);
        const auto outcome = producers::import::import_chunk(
            ports(), {.tenant = source->tenant, .source = std::string(slug), .by = "key"}, line);
        REQUIRE(outcome);
        REQUIRE(outcome->lines.size() == 1);
        CAPTURE(outcome->lines[0].reason);
        return outcome->lines[0].result;
    }

    // The records of a source's tenant.
    std::vector<bus::OwnedRecord> records(std::string_view slug) {
        const auto source = platform.node->registry->source_by_slug(slug);
        const std::string tenant = to_string(source->tenant);
        const auto partition = bus::partition_of(tenant, platform.log.partitions());
        const bus::TopicPartition where{bus::Topic::ticketing, partition};
        std::vector<bus::OwnedRecord> found;
        for (bus::Offset at = 0; at < *platform.log.end_offset(where); ++at) {
            auto record = platform.log.read_at({where.topic, where.partition, at});
            if (record && record->key == tenant) found.push_back(*std::move(record));
        }
        return found;
    }

    // As POST /v1/imports/records.
    Response post(const std::string& slug, std::string line) {
        bus::http::Request request;
        request.query = "source=" + slug;
        request.body = std::move(line);
        const auto tenant = platform.node->registry->source_by_slug(slug)->tenant;
        const auto used = ports();
        return producers::import::import_routes(used).front().handle(
            {request, {.tenant = tenant, .admin = false, .key_id = "key"}, {}, "request"});
    }

    producers::import::ImportPorts ports() {
        return {.log = platform.log,
                .registry = *platform.node->registry,
                .secrets = platform.node->vault,
                .clock = platform.node->clock,
                .ids = bus::random_ids()};
    }

    Platform platform;
};

}  // namespace

TEST_CASE_FIXTURE(ImportTest, "import: what was exported here is a copy only where it came from") {
    REQUIRE(import("acme-one", R"({"body":"{\"id\":\"1\"}"})") == LineResult::accepted);
    const auto there = records("acme-one");
    REQUIRE(there.size() == 1);
    const std::string exported =
        fmt::format(R"({{"body":"{{\"id\":\"1\"}}","record":{{"id":"{}","address":"{}"}}}})",
                    there[0].headers.view().get(bus::header::id), to_string(there[0].address));
    CHECK(import("acme-one", exported) == LineResult::duplicate);
    CHECK(import("acme-two", exported) == LineResult::duplicate);
    CHECK(import("globex-one", exported) == LineResult::accepted);
    CHECK(import("globex-one", exported) == LineResult::duplicate);
    CHECK(records("acme-one").size() == 1);
    REQUIRE(records("globex-one").size() == 1);
    CHECK(records("globex-one")[0].value == there[0].value);
}

TEST_CASE_FIXTURE(ImportTest, "import: what the log cannot take is to be sent again, said once") {
    platform.log.faults().fail_append(1,
                                      bus::fail(bus::ErrorCode::unavailable, "the disk is full"));
    const Response refused = post("acme-one", R"({"body":"{\"id\":\"1\"}"})");
    CHECK_MESSAGE(refused.status == 503, refused.body);
    CHECK(std::count_if(refused.headers.begin(), refused.headers.end(),
                        [](const auto& one) { return one.first == "Retry-After"; }) == 1);
}

TEST_CASE_FIXTURE(ImportTest, "import: the body of a line for a source of queries is its query") {
    auto kinds = provider_kinds();
    schemas::ProviderKind& calls = kinds.emplace_back();
    calls.kind = "query_like";
    calls.topic = bus::Topic::ticketing;
    calls.url_path = "/webhooks/calls/{token}";
    calls.methods = {"GET"};
    calls.body_is_query = true;
    platform.restart(kinds);
    const Client client = make_client(platform, "caller");
    std::string of_queries(mapping);
    of_queries.replace(of_queries.find("[json]"), 6, "[query]");
    REQUIRE(client.ask(platform, "PUT", "/v1/mappings/parcels", of_queries).status == 201);
    const auto made = client.ask(platform, "POST", "/v1/sources",
                                 R"({"kind":"query_like","slug":"calls","mapping":"parcels",)"
                                 R"("verification":{"kind":"none"}})");
    REQUIRE_MESSAGE(made.status == 201, made.body);
    CHECK(import("calls", R"({"body":"id=1&status=busy"})") == LineResult::accepted);
    CHECK(import("calls", R"({"query":"id=1&status=busy"})") == LineResult::duplicate);
    REQUIRE(records("calls").size() == 1);
    CHECK(records("calls")[0].value == "id=1&status=busy");
    CHECK(records("calls")[0].headers.view().get(bus::header::method) == "GET");
}
