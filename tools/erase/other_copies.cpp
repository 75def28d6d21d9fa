#include "tools/erase/other_copies.hpp"

#include "bus/crash_point.hpp"
#include "bus/durable_folder.hpp"
#include "consumers/partition_store.hpp"
#include "tools/backup/backup_list.hpp"
#include "tools/backup/durable_files.hpp"
#include "tools/erase/watched_sleep.hpp"
#include "tools/export/kept_exports.hpp"

#include <mutex>

namespace tools::erase {

using bus::Done;
using bus::Result;

namespace {

namespace fs = std::filesystem;

constexpr bus::milliseconds between_looks{50};

Result<Done> remove_copy(const fs::path& copy, const std::string& place, ProofReport& report) {
    if (auto removed = remove_tree(copy); !removed) return removed;
    if (auto synced = bus::sync_names_in(copy.parent_path()); !synced) return synced;
    report.others.push_back(
        {.place = place, .found = 1, .left = 0, .remark = copy.string() + " was removed"});
    bus::crash_point("erase.copy_removed");
    return Done{};
}

bool is_being_written(const jobs::Jobs& jobs, const fs::path& exports, bus::TenantId tenant) {
    for (const jobs::JobStatus& job : jobs.all())
        if (job.kind == "export" && !job.ended() &&
            exports::is_kept_export(exports, job.subject, tenant))
            return true;
    return false;
}

Result<Done> note_stores(const ErasePorts& ports, ProofReport& report) {
    const auto stores = consumers::stores_set_aside(ports.pool.setup(), report.partition);
    if (!stores) return stores.error();
    for (const fs::path& store : *stores)
        report.others.push_back(
            {.place = "store set aside",
             .found = 1,
             .left = 1,
             .remark = store.string() + " may hold rows of before; an erasure removes it"});
    return Done{};
}

Result<Done> note_exports(const ErasePorts& ports, bus::TenantId tenant, ProofReport& report) {
    const auto kept = exports::kept_exports(ports.data / exports::exports_folder, tenant);
    if (!kept) return kept.error();
    for (const fs::path& one : *kept)
        report.others.push_back({.place = "export",
                                 .found = 1,
                                 .left = 1,
                                 .remark = one.string() +
                                           " may hold what was exported before; erasing the "
                                           "whole client removes it, else delete it once it "
                                           "has been handed out"});
    return Done{};
}

Result<Done> note_backups(const ErasePorts& ports, ProofReport& report) {
    const auto backups = backup::read_backup_list(ports.data);
    if (!backups) return backups.error();
    for (const backup::ListedBackup& one : *backups)
        report.others.push_back(
            {.place = "backup",
             .found = 1,
             .left = 0,
             .remark = fmt::format("{} {} of {} was {}; delete it, or let a restore apply the "
                                   "erasures made since",
                                   one.folder, one.name, bus::to_iso(one.created),
                                   one.under_way ? "being made" : "made before")});
    return Done{};
}

}  // namespace

Result<Done> remove_stores_set_aside(const ErasePorts& ports, ProofReport& report) {
    static std::mutex one_at_a_time;  // erasures of a partition remove the same ones
    const std::lock_guard lock(one_at_a_time);
    const auto stores = consumers::stores_set_aside(ports.pool.setup(), report.partition);
    if (!stores) return stores.error();
    for (const fs::path& store : *stores)
        if (auto removed = remove_copy(store, "store set aside", report); !removed) return removed;
    return Done{};
}

Result<Done> remove_exports(const ErasePorts& ports, bus::TenantId tenant, ProofReport& report,
                            jobs::JobRun& run) {
    const fs::path exports = ports.data / exports::exports_folder;
    while (is_being_written(ports.jobs, exports, tenant)) {
        run.phase("waiting for an export to end", 0, "");
        if (auto waited = sleep_while_watched(between_looks, run); !waited) return waited;
    }
    const auto kept = exports::kept_exports(exports, tenant);
    if (!kept) return kept.error();
    for (const fs::path& one : *kept)
        if (auto removed = remove_copy(one, "export", report); !removed) return removed;
    return Done{};
}

Result<Done> note_copies(const ErasePorts& ports, bus::TenantId tenant, ProofReport& report) {
    if (auto noted = note_stores(ports, report); !noted) return noted;
    if (auto noted = note_exports(ports, tenant, report); !noted) return noted;
    return note_backups(ports, report);
}

}  // namespace tools::erase
