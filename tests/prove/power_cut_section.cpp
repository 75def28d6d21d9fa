// Journals and spools on a simulated disk that loses what was not synced: one attempt is ten lives
// of one disk, of each kind in turn.
#include "tests/prove/section.hpp"

#include "tests/crash/power_cut.hpp"
#include "tests/crash/removal_power_cut.hpp"
#include "tests/crash/spool_power_cut.hpp"

#include <fmt/format.h>

namespace {

struct Kind {
    const char* name;
    std::size_t (*lose_power_and_compare)(std::uint64_t seed);  // gives the number of cuts
};

constexpr Kind kinds[] = {
    {"journal", tests::crash::lose_power_and_compare},
    {"removal", tests::crash::lose_power_while_bodies_go_and_compare},
    {"spool", tests::crash::lose_power_of_a_spool_and_compare},
};

}  // namespace

int main(int argc, char** argv) {
    tests::prove::Section section(argc, argv,
                                  "Cuts the power of a simulated disk under a journal or spool.",
                                  "power_cut_section --seed 7 --seconds 60");
    constexpr std::uint64_t disks_per_seed = 1'000'000;
    std::size_t cuts = 0;
    for (std::uint64_t disk = 0; section.time_left(); ++disk) {
        const std::uint64_t seed = section.seed() * disks_per_seed + disk;
        const Kind& kind = kinds[disk % std::size(kinds)];
        section.attempt(fmt::format("{} disk {}", kind.name, seed), [&] {
            cuts += kind.lose_power_and_compare(seed);
            return "";
        });
    }
    fmt::print("cuts={}\n", cuts);
    return section.finish();
}
