// The timeline: one line per event that has a template (timeline_templates.hpp), under each key of
// the customer as observed, so that joining and parting customers moves nothing.
//
// entries: 'e' customer key | time, newest first | event id | channel | kind
//              -> the line, without what the key tells
//          's' event id -> the time of its line, where another report may tell another time
//
// A line tells nothing of the record it came from, so that a second copy of an event writes the
// same bytes; its event id leads to the record.
#pragma once

#include "projections/projection.hpp"

namespace projections {

class TimelineFold final : public Projection {
public:
    std::string_view name() const override { return "timeline"; }
    std::uint32_t version() const override { return 5; }
    // A line says what it said. Only an end or a debt whose first line is of version 4 may have one
    // more, should it be told again.
    std::uint32_t goes_on_from() const override { return 4; }
    void fold(const schemas::Event& event, Rows& rows) const override;
};

// Where the event's line stands, unless an earlier report of the event told another time.
bus::Timestamp line_time(const schemas::Event& event);

// What the key of a line tells without its bytes.
struct TimelineKey {
    bus::Timestamp at{};
    bus::EventId event_id;
    std::string channel;
    std::string kind;
};
std::string timeline_prefix(std::string_view customer_key);
std::string timeline_key(std::string_view customer_key, const TimelineKey& line);
std::optional<TimelineKey> read_timeline_key(std::string_view key_after_prefix);
// The line as answers show it: a JSON object of what key and entry tell.
std::string shown_line(const TimelineKey& key, std::string_view stored);

}  // namespace projections
