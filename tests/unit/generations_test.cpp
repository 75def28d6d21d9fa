#include "schemas/generations.hpp"
#include "schemas/control_facts.hpp"
#include "schemas/registry_state.hpp"

#include <doctest/doctest.h>

namespace {

using schemas::Generation;
using schemas::GenerationName;
using schemas::GenerationRole;
using schemas::GenerationTable;
using schemas::ReplaySpec;
using schemas::Retake;

constexpr bus::TenantId shop{7};
constexpr bus::SourceId phones{3};

std::shared_ptr<const ReplaySpec> whole() {
    return std::make_shared<const ReplaySpec>();
}
std::shared_ptr<const ReplaySpec> of_tenant(bus::TenantId tenant) {
    return std::make_shared<const ReplaySpec>(ReplaySpec{.tenant = tenant});
}

// "1 live, 2 candidate"
std::string shown(const GenerationTable& table) {
    std::string out;
    for (const Generation& one : table.of("calls"))
        out += fmt::format("{}{} {}", out.empty() ? "" : ", ", one.number, name(one.role));
    return out;
}

GenerationTable started(std::shared_ptr<const ReplaySpec> spec) {
    GenerationTable table;
    table.start({"calls", 2}, std::move(spec), {});
    return table;
}

bus::Envelope envelope(std::string_view stamp, std::int64_t second = 100) {
    bus::Envelope one;
    one.tenant = shop;
    one.source = phones;
    one.mapping = stamp;
    one.ingest_time = bus::Timestamp{bus::seconds{second}};
    return one;
}

}  // namespace

TEST_CASE("generations: a projection without facts has generation 1, live") {
    CHECK(shown(GenerationTable{}) == "1 live");
    CHECK_FALSE(GenerationTable{}.reversible("calls"));
}

TEST_CASE("generations: a switch retires the live one, and a rollback brings it back") {
    GenerationTable table = started(whole());
    CHECK(shown(table) == "1 live, 2 candidate");
    table.make_live({"calls", 2});
    CHECK(shown(table) == "1 retired, 2 live");
    table.take_back({"calls", 2});
    CHECK(shown(table) == "1 live, 2 candidate");
    table.drop({"calls", 2});
    CHECK(shown(table) == "1 live");
    CHECK(table.next_number("calls") == 3);
}

TEST_CASE("generations: one is retired at most, and without it there is no way back") {
    GenerationTable table = started(whole());
    table.make_live({"calls", 2});
    table.start({"calls", 3}, whole(), {});
    table.make_live({"calls", 3});
    CHECK(shown(table) == "2 retired, 3 live");
    table.drop({"calls", 2});
    CHECK_FALSE(table.reversible("calls"));
    table.take_back({"calls", 3});
    CHECK(shown(table) == "3 live");
}

TEST_CASE("generations: the rows of one tenant go live beside those of all others") {
    GenerationTable table = started(of_tenant(shop));
    table.make_live({"calls", 2});
    CHECK(shown(table) == "1 live, 2 live");
    table.start({"calls", 3}, of_tenant(shop), {});
    table.make_live({"calls", 3});
    CHECK(shown(table) == "1 live, 2 retired, 3 live");
    table.start({"calls", 4}, of_tenant(bus::TenantId{8}), {});
    table.make_live({"calls", 4});
    CHECK(shown(table) == "1 live, 2 retired, 3 live, 4 live");
    SUBCASE("a generation of all takes the place of all of them") {
        table.start({"calls", 5}, whole(), {});
        table.make_live({"calls", 5});
        CHECK(shown(table) == "1 retired, 3 retired, 4 retired, 5 live");
        table.take_back({"calls", 5});
        CHECK(shown(table) == "1 live, 3 live, 4 live, 5 candidate");
    }
    SUBCASE("the last switch is taken back first") {
        CHECK(table.reversible("calls")->number == 4);
        table.take_back({"calls", 4});
        table.drop({"calls", 4});
        table.take_back({"calls", 3});
        CHECK(shown(table) == "1 live, 2 live, 3 candidate");
    }
}

TEST_CASE("generations: what does not fit any more changes nothing") {
    GenerationTable table = started(whole());
    table.start({"calls", 3}, whole(), {});  // there is a candidate
    table.start({"calls", 2}, whole(), {});
    table.make_live({"calls", 9});
    table.drop({"calls", 1});
    table.take_back({"calls", 1});
    CHECK(shown(table) == "1 live, 2 candidate");
}

TEST_CASE("generations: only the records that the filters choose are read anew") {
    const Retake retake{.tenant = shop,
                        .from = bus::Timestamp{bus::seconds{50}},
                        .to = bus::Timestamp{bus::seconds{150}},
                        .latest = true,
                        .stamps = {{phones, "old", "new"}, {phones, "older", "new"}}};
    CHECK(retake.stamp_for(envelope("old")) == "new");
    CHECK(retake.stamp_for(envelope("older")) == "new");
    CHECK(retake.stamp_for(envelope("later")) == "later");
    CHECK_FALSE(retake.covers(envelope("old", 49)));
    CHECK(retake.covers(envelope("old", 50)));
    CHECK_FALSE(retake.covers(envelope("old", 150)));
    bus::Envelope other = envelope("old");
    other.source = bus::SourceId{4};
    CHECK(retake.stamp_for(other) == "old");
    other = envelope("old");
    other.tenant = bus::TenantId{8};
    CHECK_FALSE(retake.covers(other));
}

TEST_CASE("generations: a replay goes on from what the live rows took anew") {
    constexpr bus::TenantId clinic{8};
    constexpr bus::SourceId mails{4};
    const auto taken = [](std::optional<bus::TenantId> rows, Retake retake) {
        return std::make_shared<const ReplaySpec>(ReplaySpec{.tenant = rows, .retakes = {retake}});
    };
    const Retake of_phones{.source = phones, .latest = true, .stamps = {{phones, "a", "b"}}};
    const Retake of_mails{.source = mails, .latest = true, .stamps = {{mails, "a", "b"}}};
    const auto retakes = [](const GenerationTable& table, std::uint32_t number) {
        return table.find({"calls", number})->spec->retakes;
    };
    GenerationTable table = started(taken({}, of_phones));
    table.make_live({"calls", 2});
    SUBCASE("another source") {
        table.start({"calls", 3}, taken({}, of_mails), {});
        CHECK(retakes(table, 3) == std::vector{of_phones, of_mails});
    }
    SUBCASE("the same source once more: the newer stands for both") {
        Retake again = of_phones;
        again.stamps = {{phones, "a", "c"}, {phones, "b", "c"}};
        table.start({"calls", 3}, taken({}, again), {});
        CHECK(retakes(table, 3) == std::vector{again});
    }
    SUBCASE("with nothing new") {
        table.start({"calls", 3}, whole(), {});
        CHECK(retakes(table, 3) == std::vector{of_phones});
    }
    SUBCASE("all as stamped again") {
        table.start({"calls", 3}, taken({}, Retake{}), {});
        CHECK(retakes(table, 3).empty());
    }
    SUBCASE("a tenant's own rows, then those of all") {
        Retake of_shop = of_mails;
        of_shop.tenant = shop;
        table.start({"calls", 3}, taken(shop, of_shop), {});
        CHECK(retakes(table, 3) == std::vector{of_phones, of_shop});
        table.make_live({"calls", 3});
        CHECK(table.inherited("calls", clinic).retakes == std::vector{of_phones});
        table.start({"calls", 4}, whole(), {});
        Retake phones_of_shop = of_phones;
        phones_of_shop.tenant = shop;
        CHECK(retakes(table, 4) ==
              std::vector{of_phones, Retake{.tenant = shop}, phones_of_shop, of_shop});
    }
}

TEST_CASE("generations: what one goes on from is known for as long as there are bases") {
    constexpr bus::TenantId clinic{8};
    GenerationTable table = started(of_tenant(shop));
    table.make_live({"calls", 2});
    CHECK(table.origin({"calls", 2}) == schemas::Origin{.of_all = 1, .of_tenants = {}});
    table.start({"calls", 3}, whole(), {});
    table.make_live({"calls", 3});
    table.drop({"calls", 1});
    table.drop({"calls", 2});
    table.start({"calls", 4}, whole(), {});
    CHECK(table.origin({"calls", 4}).of(shop) == 3);
    CHECK(table.origin({"calls", 3}).of(shop) == 2);
    CHECK(table.origin({"calls", 3}).of(clinic) == 1);
    CHECK(table.origin({"calls", 1}) == schemas::Origin{});
    CHECK(table.origin({"mails", 2}) == schemas::Origin{});
}

TEST_CASE("generations: what was taken back is nobody's origin") {
    GenerationTable table = started(of_tenant(shop));
    table.make_live({"calls", 2});
    table.take_back({"calls", 2});
    table.drop({"calls", 2});
    table.start({"calls", 3}, whole(), {});
    CHECK(table.origin({"calls", 3}).of(shop) == 1);
}

TEST_CASE("generations: a pattern of types ends in a star or is the type") {
    CHECK(schemas::fits_pattern("call.*", "call.answered"));
    CHECK(schemas::fits_pattern("*", "call.answered"));
    CHECK_FALSE(schemas::fits_pattern("call.*", "mail.received"));
    CHECK_FALSE(schemas::fits_pattern("call", "call.answered"));
}

TEST_CASE("generations: facts survive their trip through the log and the registry folds them") {
    auto registry = schemas::make_registry({});
    const auto spec = std::make_shared<const ReplaySpec>(
        ReplaySpec{.tenant = shop,
                   .retakes = {{.tenant = shop,
                                .source = phones,
                                .from = bus::Timestamp{bus::seconds{1}},
                                .to = bus::Timestamp{bus::seconds{2}},
                                .types = {"call.*"},
                                .latest = true,
                                .stamps = {{phones, "a", "b"}}},
                               {.tenant = shop, .source = bus::SourceId{4}, .types = {"mail.*"}}}});
    bus::Offset next = 0;
    const auto tell = [&](schemas::ControlBody body) {
        schemas::ControlFact fact;
        fact.id.bytes[0] = static_cast<std::uint8_t>(next);
        fact.time = bus::Timestamp{bus::seconds{9}};
        fact.command = fmt::format("c{}", next);
        fact.body = std::move(body);
        bus::NewRecord record = schemas::encode(fact);
        record.value.reserve(record.value.size() + 64);
        REQUIRE(registry->apply({.address = {bus::Topic::control, 0, next++},
                                 .key = record.key,
                                 .headers = record.headers,
                                 .value = record.value,
                                 .tombstone = false}));
    };
    tell(schemas::RebuildStarted{{{"calls", 2}, {"mails", 2}}, spec});
    const auto before = registry->generations();
    REQUIRE(before->candidate("mails"));
    CHECK(*before->candidate("mails")->spec == *spec);
    tell(schemas::GenerationsSwitched{{{"calls", 2}}});
    CHECK(shown(*registry->generations()) == "1 live, 2 live");
    CHECK(shown(*before) == "1 live, 2 candidate");
    tell(schemas::GenerationsRolledBack{{{"calls", 2}}});
    tell(schemas::GenerationsDropped{{{"calls", 2}, {"mails", 2}}});
    CHECK(shown(*registry->generations()) == "1 live");
    CHECK(registry->outcome("c3")->object_id == schemas::projection_object_id("calls"));
    CHECK(registry->outcome("c3")->version == 4);
}
