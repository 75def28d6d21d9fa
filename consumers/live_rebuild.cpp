#include "consumers/live_rebuild.hpp"

#include <algorithm>
#include <thread>

namespace consumers {

namespace {

using bus::Done;
using bus::ErrorCode;
using bus::Result;

constexpr bus::milliseconds retry_delay_min{200};
constexpr bus::milliseconds retry_delay_max{30'000};
constexpr bus::milliseconds look_every{50};

bool may_open(const ProjectorPool& pool) {
    const std::vector<PartitionStatus> all = pool.status();
    return std::any_of(all.begin(), all.end(), [&](const PartitionStatus& one) {
        return one.state != PartitionState::stopped && !pool.catalogue(one.partition);
    });
}

Result<Done> rest(bus::milliseconds delay, BuildWatch& watch) {
    for (bus::milliseconds rested{0}; rested < delay; rested += look_every) {
        if (!watch.go_on())
            return bus::fail(ErrorCode::cancelled, "stopped; the next start goes on with it");
        std::this_thread::sleep_for(look_every);
    }
    return Done{};
}

// What is dropped goes first: the build needs its room.
Result<Done> try_once(ProjectorPool& pool, const BuildLimits& limits, BuildWatch& watch) {
    if (auto erased = pool.erase_dropped(); !erased) return erased;
    return GenerationBuilds(pool, BuildScope::live, limits).build(watch, 0);
}

}  // namespace

bool needs_live_rebuild(ProjectorPool& pool) {
    return may_open(pool) || GenerationBuilds(pool, BuildScope::live, {}).is_needed();
}

Result<Done> rebuild_live(ProjectorPool& pool, const BuildLimits& limits, BuildWatch& watch,
                          const std::function<void(const std::string& reason)>& waits) {
    for (bus::milliseconds delay = retry_delay_min;; delay = std::min(2 * delay, retry_delay_max)) {
        auto built = try_once(pool, limits, watch);
        const bool passes = built || built.error().code == ErrorCode::unavailable;
        if (!passes || !needs_live_rebuild(pool)) return built;
        waits(built ? "a partition is not open yet" : built.error().message);
        if (auto rested = rest(delay, watch); !rested) return rested;
    }
}

}  // namespace consumers
