#include "consumers/leftovers.hpp"

#include "bus/existing_files.hpp"
#include "bus/logging.hpp"
#include "consumers/base_rows.hpp"

#include <algorithm>
#include <array>

namespace consumers {

namespace {

namespace fs = std::filesystem;

// Builds of generations (.building, .rebuilding) go on where they were, or go once the catalogue
// is read (build_scope.hpp); what was set aside (.corrupt-N) is for the operator, until something
// is erased.
constexpr std::array<std::string_view, 7> leftover_extensions = {
    ".dropped", ".from-base", ".seed", ".refold", ".verify", ".making", ".new"};

void warn_unknown(const bus::Error& why) {
    bus::logging::warn("leftovers_unknown", {{"reason", why.message}});
}

void remove_with_log(const fs::path& leftover) {
    std::error_code failed;
    fs::remove_all(leftover, failed);
    if (failed)
        bus::logging::warn("leftover_stays",
                           {{"path", leftover.string()}, {"reason", failed.message()}});
    else
        bus::logging::info("leftover_removed", {{"path", leftover.string()}});
}

bool is_leftover(const fs::path& path) {
    const std::string extension = path.extension().string();
    return path.filename().string().starts_with("partition-") &&
           std::find(leftover_extensions.begin(), leftover_extensions.end(), extension) !=
               leftover_extensions.end();
}

void remove_leftovers_in(const fs::path& folder) {
    const auto entries = bus::entries_of(folder);
    if (!entries) return warn_unknown(entries.error());
    for (const fs::path& path : *entries)
        if (is_leftover(path)) remove_with_log(path);
}

// Those before the newest, which holds all that they do but what was erased since.
void remove_older_bases(const ProjectorSetup& setup, bus::PartitionId partition) {
    const auto newest = find_base(setup, partition);
    if (!newest) return warn_unknown(newest.error());
    if (!*newest) return;
    const auto older = older_bases(setup.bases, partition, (*newest)->number);
    if (!older) return warn_unknown(older.error());
    for (const fs::path& base : *older) remove_with_log(base);
}

}  // namespace

void remove_leftovers(const ProjectorSetup& setup) {
    for (const fs::path& folder : {setup.stores, setup.bases}) remove_leftovers_in(folder);
    for (bus::PartitionId partition = 0; partition < setup.log.partitions(); ++partition)
        remove_older_bases(setup, partition);
}

}  // namespace consumers
