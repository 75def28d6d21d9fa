// The wall clock as expiry may use it: watched while the process serves, with what was seen of it
// kept in DIR/clock-seen (clock_belief.hpp says when it is not believed). Threads: any.
#pragma once

#include "bus/clock.hpp"
#include "bus/log.hpp"
#include "tools/retention/clock_belief.hpp"

#include <filesystem>
#include <mutex>

namespace tools::retention {

inline constexpr std::string_view clock_seen_name = "clock-seen";
inline constexpr bus::seconds clock_saved_every{3600};  // while nothing happens to it

class ExpiryClock {
public:
    // Where nothing was kept yet, the newest record of `log` tells what time it was at least.
    // The log is no longer used when it returns; `clock` outlives this.
    ExpiryClock(const std::filesystem::path& data, bus::Clock& clock, bus::Log& log);
    ~ExpiryClock();

    // What time it is. conflict: it is not believed, says why and what to do.
    bus::Result<bus::Timestamp> now();
    bus::Timestamp wall() { return clock_.now(); }  // believed or not
    bus::Timestamp trust();  // somebody has looked: the wall clock is right as it is

private:
    using Steady = std::chrono::steady_clock;
    bool pauses() const { return belief_.pause_left.count() > 0; }
    void look();
    void save();

    const std::filesystem::path file_;
    bus::Clock& clock_;
    std::mutex mutex_;
    ClockBelief belief_;  // guarded by mutex_, as all below
    Steady::time_point looked_at_ = Steady::now();
    Steady::time_point saved_at_{};
};

}  // namespace tools::retention
