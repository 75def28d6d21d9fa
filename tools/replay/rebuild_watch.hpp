// A store that was damaged is made anew while the process serves, and may begin with a base that
// does not know the newest live rows. These are built anew then, as at a start.
#pragma once

#include "bus/clock.hpp"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace tools::replay {

struct RebuildPorts {
    std::function<std::uint64_t()> stores_rebuilt;  // so far
    std::function<bool()> start;                    // false: another job is in the way
};

// Threads: one of its own, on which the ports are called.
class RebuildWatch {
public:
    explicit RebuildWatch(RebuildPorts ports, bus::milliseconds interval = bus::seconds{5});
    ~RebuildWatch();  // waits for no job

private:
    void run();

    const RebuildPorts ports_;
    const bus::milliseconds interval_;
    std::uint64_t attended_;  // stores
    std::mutex mutex_;
    std::condition_variable changed_;
    bool stopping_ = false;  // guarded by mutex_
    std::thread thread_;
};

}  // namespace tools::replay
