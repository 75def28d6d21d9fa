// A data folder made anew from a backup.
#pragma once

#include "tools/jobs/job_run.hpp"

#include <filesystem>
#include <vector>

namespace tools::backup {

struct RestoreOptions {
    std::filesystem::path from;               // BACKUP or BACKUP/NAME
    std::filesystem::path data;               // must not be there, or be empty
    std::vector<std::filesystem::path> keys;  // files named admin.key and master.key
    // A data folder with the embedded log that went on after the backup, "" = none: what was
    // decided to be erased there is decided here too, and done by the first start.
    std::filesystem::path erasures_from;
};

// Nothing is written before every hash was found right. The folder is made beside, under the name
// `data`.restoring, opened as `serve` would open it, and takes its name at the very end: after a
// kill it is there whole or not at all. The report: {data, backup, created, records, stores,
// missing_keys, erasures}. Errors: corrupt (names the file), conflict (`data` is not empty),
// invalid_input, unavailable, cancelled.
bus::Result<std::string> restore(const RestoreOptions& options, jobs::JobRun& run);

}  // namespace tools::backup
