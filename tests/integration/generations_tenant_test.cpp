// Rows that were built for one tenant, and what expired under them.
#include "consumers/tenant_rows.hpp"
#include "tests/integration/generations_build_fixture.hpp"

using namespace build_test;

namespace {

// What it maps is another text than what other mappings give.
class LoudMapping final : public support::TextMapping {
public:
    LoudMapping() : TextMapping("loud") {}
    const schemas::Mapped& map(const bus::RecordView& record, const bus::Envelope& envelope,
                               std::string_view source_slug,
                               schemas::Scratch& scratch) const override {
        thread_local schemas::Mapped mapped;
        mapped = TextMapping::map(record, envelope, source_slug, scratch);
        mapped.events.front().fields.front().second.text = loud_text;
        return mapped;
    }
};

struct MendedForOne : Beside {
    const bus::TenantId mended = tenant_in(0, 2);
    const bus::TenantId other = tenant_in(0, 2, mended);

    MendedForOne() {
        world.registry.add_mapping(std::make_shared<LoudMapping>());
        for (const bus::TenantId tenant : {mended, other}) say_as(tenant, "hello");
        start(2,
              {.tenant = mended, .retakes = {{.latest = true, .stamps = {{shop, stamp, "loud"}}}}});
        REQUIRE(build());
    }
    void make_live(std::uint32_t number) {
        change([&](auto& table) { table.make_live({"said", number}); });
    }
    void drop(const std::vector<std::uint32_t>& numbers) {
        change([&](auto& table) {
            for (const std::uint32_t number : numbers) table.drop({"said", number});
        });
        REQUIRE(pool.erase_dropped());
    }
    void check_mended(std::uint32_t number) const {
        CHECK(rows_of(number, mended).starts_with("LOUD\n1 "));
        CHECK(rows_of(number, other) == "not loud");
        CHECK(rows_of(number).find("hello") != std::string::npos);
        CHECK(differences() == 0);
    }
};

}  // namespace

TEST_CASE("build: the rows of one tenant go live for it alone") {
    Beside beside;
    beside.say_many(20);
    beside.say_many(20, 1);
    beside.start(2, {.tenant = tenant_in(0, 2)});
    REQUIRE(beside.build());
    CHECK(beside.rows_of(2) == beside.rows_of(1));
    CHECK(beside.rows_of(2, 1).empty());
    beside.change([](auto& table) { table.make_live({"said", 2}); });
    CHECK(beside.states() == "1 live, 2 live");
    CHECK(beside.read("text 1", 1) != "nothing");
    CHECK(beside.read("text 1") != "nothing");
    const auto catalogue = beside.pool.catalogue(0);
    CHECK(catalogue->shown("said", tenant_in(0, 2))->name.number == 2);
    CHECK(catalogue->shown("said", tenant_in(1, 2))->name.number == 1);
}

TEST_CASE("build: rows of expired records are those that each tenant read before") {
    MendedForOne one;
    SUBCASE("its own were live when the base was made") {
        one.make_live(2);
        one.make_base();
    }
    SUBCASE("its own went live after the base was made") {
        one.make_base();
        one.make_live(2);
    }
    one.start(3);
    REQUIRE(one.build());
    one.check_mended(3);
    one.make_live(3);
    one.drop({1, 2});
    one.check_mended(3);
    one.make_base();
    one.check_mended(3);
    one.start(4, {.tenant = one.mended});
    REQUIRE(one.build());
    CHECK(one.rows_of(4, one.mended) == one.rows_of(3, one.mended));
}

TEST_CASE("build: rows that were taken back are nobody's, whatever the base has of them") {
    MendedForOne one;
    one.make_live(2);
    one.make_base();
    one.change([](auto& table) { table.take_back({"said", 2}); });
    one.drop({2});
    one.start(3);
    REQUIRE(one.build());
    CHECK(one.rows_of(3) == one.rows_of(1));
    CHECK(one.differences() == 0);
    one.make_base();
    CHECK(one.differences() == 0);
}

TEST_CASE("build: a client that is erased gets no row out of a base that has some") {
    MendedForOne one;
    one.make_live(2);
    one.make_base();
    one.world.registry.close(one.mended);
    REQUIRE(erase_tenant_rows(one.pool, 0, one.mended));
    one.start(3);
    REQUIRE(one.build());
    CHECK(one.rows_of(3).find("hello") != std::string::npos);
    CHECK(count_tenant_rows(one.pool, 0, one.mended).value_or(RowCounts{1}) == RowCounts{});
    CHECK(count_tenant_rows(one.pool, 0, one.other).value_or(RowCounts{}) != RowCounts{});
}
