#include "producers/commands/erase_decisions.hpp"
#include "tests/unit/commands_fixture.hpp"

using namespace commands_test;
using producers::commands::EraseDecisions;

namespace {

// Each of one record, none beside another.
std::vector<bus::RecordRange> ranges(std::size_t count) {
    std::vector<bus::RecordRange> ranges;
    for (bus::Offset i = 0; i < count; ++i)
        ranges.push_back({{bus::Topic::chat, 0}, 2 * i, 2 * i + 1});
    return ranges;
}

}  // namespace

TEST_CASE("erase: a hold between the facts of one decision keeps the rest, and says so") {
    Platform platform;
    make_client(platform, "acme");
    Node& node = *platform.node;
    const bus::TenantId acme = node.registry->tenant_by_code("acme")->id;
    const auto hold = [&] {
        return platform.admin("PATCH", "/api/clients/acme", R"({"legal_hold":"case 4711"})").status;
    };
    EraseDecisions decisions(node.writer, *node.registry);
    const auto wanted = ranges(EraseDecisions::ranges_per_fact_max + 5);
    SUBCASE("it comes after the first") {
        node.clock.meanwhile = [&] { return !node.registry->erasures().empty() && hold() == 200; };
        const auto decided = decisions.erase_records("era_1", acme, wanted);
        REQUIRE_MESSAGE(decided, (decided ? "" : decided.error().message));
        CHECK(decided->erased.size() == EraseDecisions::ranges_per_fact_max);
        CHECK(decided->held.size() == 5);
        CHECK(decided->held.back() == wanted.back());
        CHECK_MESSAGE(decided->held_by.find("case 4711") != std::string::npos, decided->held_by);
        REQUIRE(node.registry->erasures().size() == 1);
        CHECK(node.registry->erasures().front().records == decided->erased);
    }
    SUBCASE("it is there before") {
        REQUIRE(hold() == 200);
        const auto refused = decisions.erase_records("era_1", acme, wanted);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == bus::ErrorCode::conflict);
        CHECK(node.registry->erasures().empty());
    }
    SUBCASE("there is none") {
        const auto decided = decisions.erase_records("era_1", acme, wanted);
        REQUIRE(decided);
        CHECK(decided->erased == wanted);
        CHECK(decided->held.empty());
        CHECK(node.registry->erasures().front().records == wanted);
    }
}
