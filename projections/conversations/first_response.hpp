// When a conversation's customer was first answered: the earliest message of a person of ours that
// is not before the customer's first. By when messages happened.
//
// A function of the set of messages, whatever order their topics come in. What was sent before the
// customer's first message may turn out to answer an even earlier one, so the newest of that stay
// known; only beyond their number does the order of the log count.
#pragma once

#include "bus/ids.hpp"

#include <cstddef>
#include <optional>
#include <vector>

namespace projections::chat {

struct FirstResponse {
    static constexpr std::size_t unprompted_max = 32;

    std::optional<bus::Timestamp> asked_at;  // the customer's first message
    std::optional<bus::Timestamp> at;        // none: not answered yet
    std::vector<bus::Timestamp> unprompted;  // sent before asked_at; ascending

    void add_inbound(bus::Timestamp time);
    void add_outbound(bus::Timestamp time);
};

}  // namespace projections::chat
