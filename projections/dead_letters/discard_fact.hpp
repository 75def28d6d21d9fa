// The decision of an operator that a dead letter needs no mending: a fact of topic `facts`, so that
// a rebuild keeps it (written by tools/discard_record.hpp).
//
// Record: type ingest.event.discarded, key the tenant's; ce_subject names the dead letter,
// ce_causationid the raw record. The value, {"v":1,"dead_letter","reason"}, is for people.
#pragma once

#include "bus/headers.hpp"
#include "bus/ids.hpp"

#include <optional>
#include <string_view>

namespace projections {

inline constexpr std::string_view discarded_event_type = "ingest.event.discarded";
inline constexpr std::string_view discard_subject_header = "ce_subject";

// The dead letter that such a record names; none when it is of another version.
std::optional<bus::EventId> discarded_dead_letter(bus::HeadersView headers);

}  // namespace projections
