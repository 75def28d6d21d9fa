// How much of a field's text a row keeps: the whole stands in the raw record, and ids are hashes of
// the whole. A control character takes six bytes where it is stored, and a row of 16 MiB could not
// be read again.
#pragma once

#include "projections/cut_text.hpp"
#include "schemas/event.hpp"

namespace projections {

inline constexpr std::size_t name_bytes_max = 1024;     // of an id, a kind, a name, a reason
inline constexpr std::size_t url_bytes_max = 8 * 1024;  // signed ones are long, and no use when cut

constexpr std::size_t text_bytes_max(schemas::Field field) {
    const bool url = field == schemas::Field::media_url || field == schemas::Field::recording_url;
    return url ? url_bytes_max : name_bytes_max;
}

inline std::string_view short_name(std::string_view text) {
    return cut_at_code_point(text, name_bytes_max);
}
inline std::string_view short_text(const schemas::Event& event, schemas::Field field) {
    return cut_at_code_point(event.text(field), text_bytes_max(field));
}

}  // namespace projections
