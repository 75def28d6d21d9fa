// When the inbound messages of a conversation came that nobody has answered yet: ingest times.
//
// Each of the newest exactly, those before them in groups, so that a row stays short when a
// customer writes on and on and is never answered. A group is of one span of time; spans are as
// wide as it takes, each twice the one before, so that the groups are a function of the messages,
// whatever order their topics come in. Only an answer that falls among the grouped ones makes the
// order count: before them it keeps out each that is older, after them a group stays or goes as a
// whole. A row that gave the same both ways would have to hold every time.
#pragma once

#include "bus/ids.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace projections::chat {

struct WaitingMessages {
    // Counting stops here: 999 means 999 or more.
    static constexpr std::size_t count_max = 999;
    static constexpr std::size_t newest_max = 64;
    static constexpr std::size_t groups_max = 32;

    struct Group {
        bus::Timestamp oldest{};
        bus::Timestamp newest{};
        std::size_t count = 0;
        bool operator==(const Group&) const = default;
    };
    std::vector<Group> older;            // ascending
    int span_bits = 0;                   // a group is of 2^span_bits microseconds
    std::vector<bus::Timestamp> newest;  // ascending

    void add(bus::Timestamp time);
    // Those before `time` wait no more. A group that it falls into stays.
    void answer(bus::Timestamp time);
    // How many came at `time` or later; a group that it falls into counts whole.
    std::size_t count_from(bus::Timestamp time) const;
    std::optional<bus::Timestamp> since() const;  // the oldest

private:
    std::int64_t span_of(bus::Timestamp time) const;
    void add_to_group(bus::Timestamp time);
    void widen_spans();
};

}  // namespace projections::chat
