// When the inbound messages of a conversation came that nobody has answered yet: ingest times.
//
// Each of the newest exactly, those before them in groups, so that a row stays short when a
// customer writes on and on and is never answered. Those of a group are next to each other in the
// order of the log, so with more than newest_max of several topics the bounds of groups depend on
// it.
#pragma once

#include "bus/ids.hpp"

#include <cstddef>
#include <optional>
#include <vector>

namespace projections::chat {

struct WaitingMessages {
    // Counting stops here: 999 means 999 or more.
    static constexpr std::size_t count_max = 999;
    static constexpr std::size_t newest_max = 64;
    static constexpr std::size_t group_max = 32;

    struct Group {
        bus::Timestamp oldest{};
        bus::Timestamp newest{};
        std::size_t count = 0;
        bool operator==(const Group&) const = default;
    };
    std::vector<Group> older;
    std::vector<bus::Timestamp> newest;  // ascending

    void add(bus::Timestamp time);
    // Those before `time` wait no more. A group that it falls into stays.
    void answer(bus::Timestamp time);
    // How many came at `time` or later; a group that it falls into counts whole.
    std::size_t count_from(bus::Timestamp time) const;
    std::optional<bus::Timestamp> since() const;  // the oldest

private:
    void add_to_group(bus::Timestamp time);
};

}  // namespace projections::chat
