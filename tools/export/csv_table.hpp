// NDJSON as CSV (RFC 4180): a column for each member that any object has, in the order they first
// come; members of "fields" as fields.NAME; lists and other objects as their JSON text. A text that
// a spreadsheet would take for a formula gets an apostrophe in front.
#pragma once

#include "bus/result.hpp"
#include "tools/export/export_folder.hpp"

#include <filesystem>

namespace tools::exports {

inline constexpr std::size_t columns_max = 2'000;

// Reads the file twice, a line at a time. too_large: more columns than columns_max.
bus::Result<bus::Done> write_csv(const std::filesystem::path& ndjson, ExportFile& csv);

}  // namespace tools::exports
