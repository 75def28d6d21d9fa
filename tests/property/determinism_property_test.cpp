// However a log is read, its rows are the same bytes (laws 3 and 5); and that this test would see
// it if they were not.
#include "tests/support/determinism.hpp"
#include "tools/projection_list.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

namespace {

constexpr std::uint64_t seeds_default = 24;
constexpr std::uint64_t seeds_for_a_fault = 24;

// Keeps what came last, whatever topic it came from: topics do not commute.
class LastToCome final : public projections::Projection {
public:
    std::string_view name() const override { return "last_to_come"; }
    std::uint32_t version() const override { return 1; }
    void fold(const schemas::Event& event, projections::Rows& rows) const override {
        rows.put(projections::Table::rows, "last", event.type_name);
    }
};

// Counts each time it is told: a record that is folded again leaves a trace.
class CountsTwice final : public projections::Projection {
public:
    std::string_view name() const override { return "counts_twice"; }
    std::uint32_t version() const override { return 1; }
    void fold(const schemas::Event&, projections::Rows& rows) const override {
        const std::string before = rows.get(projections::Table::rows, "n").value_or("");
        rows.put(projections::Table::rows, "n", std::to_string(std::atoi(before.c_str()) + 1));
    }
};

std::size_t problems_of(const projections::Projection& faulty) {
    std::size_t problems = 0;
    for (std::uint64_t seed = 1; seed <= seeds_for_a_fault; ++seed)
        problems += !tests::determinism_problem(seed, {&faulty}).empty();
    return problems;
}

}  // namespace

TEST_CASE("any interleaving, batch size, crash and rebuild gives the same bytes in every table") {
    const char* asked = std::getenv("TRIBUTARY_SEEDS");
    const std::uint64_t seeds = asked ? std::strtoull(asked, nullptr, 10) : seeds_default;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed)
        CHECK(tests::determinism_problem(seed, tools::all_projections()) == "");
}

TEST_CASE("a fold that does not commute, or counts a record twice, is found") {
    CHECK(problems_of(LastToCome{}) > 0);
    CHECK(problems_of(CountsTwice{}) > 0);
}
