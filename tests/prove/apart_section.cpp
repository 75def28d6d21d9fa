// `receive` and `project` apart on Kafka, killed one by one, together, or with their broker.
#include "tests/prove/section.hpp"
#include "tests/support/apart_kills.hpp"

#include <fmt/format.h>

#include <optional>

using namespace tests;

namespace {
// What is told to one pair is read as a whole after each kill, so pairs take turns.
constexpr int kills_per_pair = 8;
}  // namespace

int main(int argc, char** argv) {
    prove::Section section(argc, argv,
                           "Kills the process that receives, the one that projects, both, or both\n"
                           "and the broker, under load; checks after each restart.",
                           "apart_section --seed 7 --seconds 60");
    std::size_t acknowledged = 0, alone = 0;
    int kills = 0;
    for (std::uint64_t pair = 0; section.time_left(); ++pair) {
        std::optional<ApartKills> world;
        section.must("start", [&] {
            world.emplace(TRIBUTARY_PROGRAM, section.seed() * 1'000 + pair);
            return "";
        });
        for (int i = 0; world && i < kills_per_pair && section.time_left(); ++i, ++kills) {
            section.attempt(fmt::format("pair {} kill {}", pair, i), [&] {
                return world->kill_and_check(static_cast<ApartKill>(i % apart_kills),
                                             i + 1 == kills_per_pair);
            });
        }
        if (!world) continue;
        acknowledged += world->acknowledged();
        alone += world->acknowledged_alone();
    }
    fmt::print("kills={} acknowledged={} acknowledged_alone={}\n", kills, acknowledged, alone);
    return section.finish();
}
