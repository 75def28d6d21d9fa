// Makes one backup of an installation with the embedded log, while it serves or while nothing does.
//
// The log is the truth: its frames up to one visible end for all topics are what counts. Copies of
// the stores come along so that a restore need not fold everything anew; each was taken before the
// log's end was looked at, opened and asked for its checkpoint.
#pragma once

#include "projections/store/row_store.hpp"
#include "tools/backup/backup_manifest.hpp"
#include "tools/jobs/job_run.hpp"

#include <filesystem>
#include <memory>

namespace tools::backup {

// Files of a data folder that open what others may not: only in a backup that is asked for them.
inline constexpr std::string_view key_files[] = {"admin.key", "master.key"};

struct BackupSource {
    std::filesystem::path data;
    std::string engine;
    bus::PartitionId partitions = 0;
    // unavailable, not_found: this store is left out and will be folded anew after a restore.
    std::function<bus::Result<std::unique_ptr<projections::store::StoreUpkeep>>(bus::PartitionId)>
        store;
    // How many erasures have been carried out by what `.control` says before that offset. Null: the
    // folder is not served. unavailable: not known in time.
    std::function<bus::Result<std::size_t>(bus::Offset control_end)> erasures_completed{};
};

struct BackupOptions {
    std::filesystem::path to;
    bool with_keys = false;
    std::size_t keep = 0;  // backups that stay in `to`, this one included; 0 = all
};

// The report: {backup, created, records, files, bytes, copied_files, copied_bytes, took_ms,
// left_out, removed, remarks}. Errors: invalid_input (not the embedded log: says what to do),
// conflict, corrupt, unavailable, cancelled; then there is no new backup in the folder.
bus::Result<std::string> make_backup(const BackupSource& source, const BackupOptions& options,
                                     jobs::JobRun& run);

// From a folder that no process serves: takes its lock meanwhile.
bus::Result<std::string> make_backup_offline(const std::filesystem::path& data,
                                             const BackupOptions& options, jobs::JobRun& run);

}  // namespace tools::backup
