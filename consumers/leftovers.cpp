#include "consumers/leftovers.hpp"

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

std::vector<fs::path> entries_of(const fs::path& folder) {
    std::vector<fs::path> found;
    std::error_code ignored;  // the folder need not be there
    for (fs::directory_iterator at(folder, ignored), end; !ignored && at != end;
         at.increment(ignored))
        found.push_back(at->path());
    return found;
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

// Those before the newest, which holds all that they do but what was erased since.
void remove_older_bases(const ProjectorSetup& setup, bus::PartitionId partition) {
    const auto newest = find_base(setup, partition);
    if (!newest || !*newest) return;
    for (std::uint64_t number = (*newest)->number; number-- > 0;) {
        const fs::path older = setup.bases / base_name(partition, number);
        std::error_code ignored;
        if (!fs::exists(older, ignored)) return;
        remove_with_log(older);
    }
}

}  // namespace

void remove_leftovers(const ProjectorSetup& setup) {
    for (const fs::path& folder : {setup.stores, setup.bases})
        for (const fs::path& path : entries_of(folder))
            if (is_leftover(path)) remove_with_log(path);
    for (bus::PartitionId partition = 0; partition < setup.log.partitions(); ++partition)
        remove_older_bases(setup, partition);
}

}  // namespace consumers
