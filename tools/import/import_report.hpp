// What an import did, counted over all chunks of a file.
#pragma once

#include "bus/ids.hpp"
#include "schemas/json/json.hpp"

#include <map>
#include <optional>
#include <string>

namespace tools::import {

struct ImportCounts {
    std::uint64_t read = 0;
    std::uint64_t accepted = 0;
    std::uint64_t duplicates = 0;
    std::map<std::string, std::uint64_t> refused{};      // by code
    std::map<std::string, std::uint64_t> event_types{};  // of the accepted records
    std::optional<bus::Timestamp> from{}, to{};          // times of their events

    std::uint64_t refused_in_all() const;
    void note_span(bus::Timestamp first, bus::Timestamp last);
    bool operator==(const ImportCounts&) const = default;
};

// As members of the object that `json` is writing.
void write_counts(schemas::json::Writer& json, const ImportCounts& counts);
// What write_counts() wrote; anything else counts as 0.
ImportCounts read_counts(schemas::json::Value object);

}  // namespace tools::import
