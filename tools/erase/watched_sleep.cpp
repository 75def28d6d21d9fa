#include "tools/erase/watched_sleep.hpp"

#include <algorithm>
#include <thread>

namespace tools::erase {

using bus::Done;
using bus::ErrorCode;
using bus::Result;

namespace {

constexpr bus::milliseconds sleep_step{50};

}  // namespace

Result<Done> sleep_while_watched(bus::milliseconds time, jobs::JobRun& run) {
    for (bus::milliseconds slept{0}; slept < time; slept += sleep_step) {
        if (!run.go_on()) return bus::fail(ErrorCode::cancelled, "stopped");
        std::this_thread::sleep_for(std::min(sleep_step, time - slept));
    }
    return Done{};
}

}  // namespace tools::erase
