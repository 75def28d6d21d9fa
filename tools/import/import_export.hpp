// Brings the export of another installation in: its tenant, sources and mappings where they are
// missing, then its records with their ids, times and bytes.
//
// In an installation that does not know the tenant, tenant and sources keep their ids, and the same
// events with the same ids come out. Secrets are never exported: sources that verify get a random
// one until they are given their own.
#pragma once

#include "tools/import/import_file.hpp"

namespace tools::import {

bool is_export_folder(const std::filesystem::path& folder);

// The report as JSON. corrupt: a file of the export was changed. `options.source` is not used.
bus::Result<std::string> import_export(const std::filesystem::path& folder,
                                       const ImportOptions& options, jobs::JobRun& run);

}  // namespace tools::import
