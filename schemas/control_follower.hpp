// Keeps a registry up to date: reads `.control` and `.keys` from their start, then follows them. A
// log that is away is tried again with growing pauses.
//
// Threads: one of its own. Destroying it stops and joins.
#pragma once

#include "bus/read_wait.hpp"
#include "schemas/registry.hpp"

#include <atomic>
#include <optional>
#include <thread>

namespace schemas {

class ControlFollower {
public:
    // Returns once the registry has applied what both topics held when it was called.
    // corrupt: a record that this build must not skip; unavailable: also a log that gives nothing
    // for so long, cancelled: that is not to be waited for.
    static bus::Result<std::unique_ptr<ControlFollower>> start(
        bus::Log& log, Registry& registry, const bus::ReadPatience& patience = {});
    ~ControlFollower();

    // Why it stopped: the process must not go on answering from a registry that stands still.
    std::optional<bus::Error> failure() const;

private:
    ControlFollower(bus::Log& log, Registry& registry, bus::Offset keys_start);
    bus::Result<bus::Done> open_reader();
    bus::Result<std::size_t> step();
    bus::Result<bus::Done> catch_up(bus::Offset control_end, bus::Offset keys_end,
                                    const bus::ReadPatience& patience);
    void run();
    void stop_reading(const bus::Error& why);

    bus::Log& log_;
    Registry& registry_;
    bus::Signal more_;                     // outlives the reader
    std::unique_ptr<bus::Reader> reader_;  // null after a failure, until it is opened again
    bus::Offset keys_applied_;             // of the thread that reads

    mutable std::mutex mutex_;
    std::optional<bus::Error> failure_;  // guarded by mutex_

    std::atomic<bool> stopping_{false};
    std::thread thread_;  // last: uses everything above
};

// Returns once the registry has applied what `.control` held when this was called: what a record
// relies on was durable there before the record was. unavailable when that takes too long.
bus::Result<bus::Done> catch_up_with_control(bus::Log& log, const Registry& registry,
                                             bus::milliseconds wait_max);

}  // namespace schemas
