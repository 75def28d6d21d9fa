// One canonical event as the index knows it: where it came from, not what it says.
//
// An event that a provider sent twice is one: the record that stands first in the log counts.
//
// entries: 'e' event id -> [type, microseconds, source, address, emit index], since there is one
//          for every event, and few are ever looked at
#pragma once

#include "bus/topic.hpp"
#include "projections/row.hpp"

#include <string>

namespace projections::ingest {

struct EventRow : RowOf<EventRow> {
    bus::EventId id;   // told by the key
    std::string type;  // "" = not told yet
    bus::Timestamp at{};
    std::string source;  // slug
    bus::Address address;
    std::uint32_t emit_index = 0;

    void encode(std::string& out) const override;
    bus::Result<bus::Done> decode(std::string_view stored) override;
    void decode_key(std::string_view key) override;
    bool empty() const override { return type.empty(); }
    bool is_told_once() const override { return true; }
    void index_entries(IndexSink& sink) const override;
    std::string_view measure_kind() const override { return "event"; }
    void measure_values(std::vector<MeasureValue>& values) const override;
};

std::string event_key(const bus::EventId& id);
// The event as answers show it: a JSON object.
std::string shown_event(const EventRow& row);
std::string events_prefix();  // of the index: then time, newest first | event | type | source

}  // namespace projections::ingest
