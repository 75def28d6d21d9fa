// When a mail happened: as its Date header says, which its sender writes, but no later than when it
// was stored. Else a date in the far future would stand before all other mails for good.
#pragma once

#include "schemas/event.hpp"

#include <algorithm>

namespace projections {

inline bus::Timestamp mail_time(const schemas::Event& event) {
    return std::min(event.time, event.ingest_time);
}

}  // namespace projections
