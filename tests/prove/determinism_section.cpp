// Seed after seed: however a log is read, its rows are the same bytes (laws 3 and 5).
#include "tests/prove/section.hpp"
#include "tests/support/determinism.hpp"
#include "tools/projection_list.hpp"

#include <fmt/format.h>

int main(int argc, char** argv) {
    tests::prove::Section section(argc, argv,
                                  "Folds random logs in many ways and compares every table.\n"
                                  "--seeds N instead of --seconds",
                                  "determinism_section --seed 7 --seconds 60");
    const std::uint64_t seeds_max = std::stoull(section.flag("--seeds", "0"));
    const auto projections = tools::all_projections();
    const auto go_on = [&](std::uint64_t done) {
        return seeds_max ? done < seeds_max : section.time_left();
    };
    for (std::uint64_t done = 0; go_on(done); ++done) {
        const std::uint64_t seed = section.seed() + done;
        section.attempt(fmt::format("determinism --seeds 1 --seed {}", seed),
                        [&] { return tests::determinism_problem(seed, projections); });
    }
    return section.finish();
}
