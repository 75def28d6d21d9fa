// How far the import of a file has come, beside it as FILE.import-state: a run that was killed goes
// on where the last answered chunk ended. It only saves work: without it the run begins anew, and
// what is in already comes out as duplicates. Removed when the file is through.
#pragma once

#include "bus/result.hpp"
#include "tools/import/import_report.hpp"

#include <filesystem>

namespace tools::import {

struct ImportState {
    // Of the file, the format, the installation's id, the tenant's id and the source.
    std::string fingerprint;
    std::uint64_t items = 0;          // read and answered
    std::string refused_file;         // where refusals go; not there while there are none
    std::uint64_t refused_bytes = 0;  // of it that belong to these items
    ImportCounts counts;
};

std::filesystem::path state_file_of(const std::filesystem::path& file);

// nullopt: there is none, or it is of another file, format, installation or source.
std::optional<ImportState> load_state(const std::filesystem::path& file,
                                      std::string_view fingerprint);
// Replaced in one step. unavailable when it cannot be written.
bus::Result<bus::Done> save_state(const std::filesystem::path& file, const ImportState& state);
void remove_state(const std::filesystem::path& file);

}  // namespace tools::import
