// Seed after seed: however a log is read, its rows are the same bytes (laws 3 and 5).
#include "tests/prove/section.hpp"
#include "tests/support/determinism.hpp"
#include "tools/projection_list.hpp"

#include <fmt/format.h>

namespace {

// Apart enough that no two runs try the same logs.
constexpr std::uint64_t logs_of_a_seed = 1'000'000;
constexpr std::uint64_t logs_wanted = 10'000;  // of a run of some length

}  // namespace

int main(int argc, char** argv) {
    tests::prove::Section section(
        argc, argv,
        "Folds random logs in many ways and compares every table.\n"
        "--seeds N instead of --seconds; --first N: logs from this one on",
        "determinism_section --seed 7 --seconds 60");
    const std::string first = section.flag("--first", "");
    const std::uint64_t first_log =
        first.empty() ? section.seed() * logs_of_a_seed : std::stoull(first);
    const std::uint64_t seeds_max = std::stoull(section.flag("--seeds", "0"));
    const auto projections = tools::all_projections();
    const auto go_on = [&](std::uint64_t done) {
        return seeds_max ? done < seeds_max : section.time_left();
    };
    std::uint64_t done = 0;
    for (; go_on(done); ++done) {
        const std::uint64_t log = first_log + done;
        section.attempt(fmt::format("determinism_section --seeds 1 --first {}", log),
                        [&] { return tests::determinism_problem(log, projections); });
    }
    if (seeds_max == 0 && done < logs_wanted)
        section.untried(fmt::format("{} of {} logs", logs_wanted - done, logs_wanted),
                        "time was over");
    return section.finish();
}
