// Answers from the timeline: O-23, O-24.
//
// A customer's lines stand under each of the keys it was seen by; `keys` are those that
// resolve_customer() gives. An event under several keys is one line. No keys, or unknown ones: an
// empty list.
#pragma once

#include "projections/list_page.hpp"
#include "projections/projection.hpp"

#include <optional>
#include <string>
#include <vector>

namespace projections {

struct TimelineQuery {
    std::vector<std::string> keys{};
    std::string channel{};  // "" = any
    std::string kind{};
    std::optional<bus::Timestamp> from{};  // inclusive
    std::optional<bus::Timestamp> to{};    // exclusive
    std::string cursor{};
    std::size_t limit = 25;
};

// Newest first, then by event id. invalid_input for a cursor that is none of ours.
bus::Result<ListPage> list_timeline(const ReadView& timeline, const TimelineQuery& query);

// {"total","total_exact","by_channel":{},"by_kind":{},"first_at","last_at"}; both times null when
// there is nothing. Cursor and limit are not used.
std::string summarize_timeline(const ReadView& timeline, const TimelineQuery& query);

}  // namespace projections
