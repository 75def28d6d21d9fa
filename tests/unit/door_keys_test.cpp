#include "tests/unit/door_fixture.hpp"

using namespace door_test;

TEST_CASE_FIXTURE(DoorTest, "door: a body of very many values is keyed by its hash") {
    auto source = *bench.registry.source_by_slug("acme-open");
    source.dedup_paths.own().assign(16, "[]");
    bench.registry.put(source);
    const auto kind_of = [&](std::size_t ones) {
        std::string body = "[1";
        while (--ones > 0) body += ",1";
        const auto made = record({.path = "/webhooks/in/acme-open", .body = body + "]"});
        return std::string(made.headers.view().get(bus::header::dedup_kind));
    };
    CHECK(kind_of(bench.options.limits.dedup_values_max / 16) == "paths");
    CHECK(kind_of(bench.options.limits.dedup_values_max / 16 + 1) == "hash");
    CHECK(kind_of(100'000) == "hash");
}
