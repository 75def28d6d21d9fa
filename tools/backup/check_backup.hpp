// Proves that a backup holds what its manifest says.
#pragma once

#include "tools/backup/backup_manifest.hpp"
#include "tools/jobs/job_run.hpp"

#include <filesystem>

namespace tools::backup {

// BACKUP or BACKUP/NAME: the folder and the backup in it, the newest when none is named.
struct ChosenBackup {
    std::filesystem::path folder;
    Manifest manifest;
};
// not_found, invalid_input, corrupt (the manifest was altered).
bus::Result<ChosenBackup> choose_backup(const std::filesystem::path& from);

// Reads every byte: contents against their hashes. corrupt names what is missing, cut or altered.
bus::Result<bus::Done> check_contents(const ChosenBackup& backup, jobs::JobRun& run);

// Beyond that, what the contents are: frames of the journal, one chain, bodies against their
// hashes; stores that open, every block, and end before the journal does. The report: {backup,
// created, records, files, bytes, remarks}.
bus::Result<std::string> verify_backup(const std::filesystem::path& from, jobs::JobRun& run);

}  // namespace tools::backup
