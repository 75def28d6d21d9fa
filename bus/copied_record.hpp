// A stored record as it is appended to another log.
#pragma once

#include "bus/log.hpp"

namespace bus {

// An erased body stays erased, and is known to be; so does an expired one.
Headers copied_headers(HeadersView headers, bool erased, bool expired);
// With what the door knew of its copies, which stands in its headers.
NewRecord copied_record(const RecordView& view);

}  // namespace bus
