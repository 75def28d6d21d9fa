#include "projections/dead_letters/discard_fact.hpp"

#include "projections/dead_letters/dead_letter_id.hpp"

namespace projections {

std::optional<bus::EventId> discarded_dead_letter(bus::HeadersView headers) {
    return parse_dead_letter_id(headers.get(discard_subject_header));
}

}  // namespace projections
