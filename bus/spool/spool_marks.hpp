// How far each topic partition of a spool has been forwarded, kept in the spool's own `control`
// topic: a text of "topic partition next" lines, of which the newest counts.
#pragma once

#include "bus/log.hpp"
#include "bus/slots.hpp"

#include <vector>

namespace bus::spool {

using Marks = std::vector<Offset>;  // next offset to be forwarded, by slot

// corrupt: a mark that cannot be read. All zero when there is none.
Result<Marks> read_marks(Log& journal, const Slots& slots);
// Durable when it returns.
Result<Done> write_marks(Log& journal, const Slots& slots, const Marks& marks);

}  // namespace bus::spool
