// Journals on a simulated disk that loses what was not synced (tests/crash/power_cut.hpp): one
// attempt is ten lives of one disk.
#include "tests/prove/section.hpp"

#include "tests/crash/power_cut.hpp"

#include <fmt/format.h>

int main(int argc, char** argv) {
    tests::prove::Section section(argc, argv, "Cuts the power of a simulated disk under a journal.",
                                  "power_cut_section --seed 7 --seconds 60");
    constexpr std::uint64_t disks_per_seed = 1'000'000;
    std::size_t cuts = 0;
    for (std::uint64_t disk = 0; section.time_left(); ++disk) {
        const std::uint64_t seed = section.seed() * disks_per_seed + disk;
        section.attempt(fmt::format("disk {}", seed), [&] {
            cuts += tests::crash::lose_power_and_compare(seed);
            return "";
        });
    }
    fmt::print("cuts={}\n", cuts);
    return section.finish();
}
