// Whether the wall clock is believed where bodies go by it: a clock that is a year ahead would
// take a year's bodies for good.
//
// A clock that is much further ahead than it can be, by what was seen of it last and the uptime
// since, is not believed until it is right again or the same has been seen for long enough: a
// machine that was off for a month lets records expire a day later. Pure.
#pragma once

#include "bus/ids.hpp"

#include <string>

namespace tools::retention {

inline constexpr bus::seconds clock_ahead_max{24 * 3600};
inline constexpr bus::seconds clock_pause{24 *
                                          3600};  // of uptime, until it is believed all the same

struct ClockBelief {
    bus::Timestamp believed{};       // the last time that was, carried on by the uptime since
    bus::Timestamp seen{};           // what the wall clock said last
    bus::microseconds pause_left{};  // until that is believed; 0 = it is
    bool operator==(const ClockBelief&) const = default;
};

constexpr ClockBelief believing(bus::Timestamp wall) {
    return {.believed = wall, .seen = wall};
}

// The wall clock says this now, `uptime` after the last look or the start of the process.
ClockBelief after_look(const ClockBelief& before, bus::Timestamp wall, bus::microseconds uptime);

// A text of "name=value" lines, kept beside the data.
std::string to_text(const ClockBelief& belief);
bus::Result<ClockBelief> parse_clock_belief(std::string_view text);  // corrupt

}  // namespace tools::retention
