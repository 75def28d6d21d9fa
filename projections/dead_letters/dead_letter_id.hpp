// What names a dead letter: the record, the place among its events, and the path that failed.
#pragma once

#include "bus/crypto/digest.hpp"
#include "bus/ids.hpp"
#include "projections/stored_documents.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace projections {

inline bus::EventId dead_letter_key(const bus::EventId& raw_id, std::uint32_t emit_index,
                                    std::string_view path) {
    const std::string_view place{reinterpret_cast<const char*>(&emit_index), sizeof emit_index};
    return bus::crypto::hash_id({"dead letter", raw_id.view(), place, path});
}
inline std::string dead_letter_id(const bus::EventId& key) {
    return prefixed_id("dead", key);
}
inline std::optional<bus::EventId> parse_dead_letter_id(std::string_view text) {
    return parse_prefixed_id("dead", text);
}

}  // namespace projections
