#include "consumers/tenant_rows.hpp"

#include "bus/crash_point.hpp"

namespace consumers {

using bus::Done;
using bus::ErrorCode;
using bus::Result;

namespace {

std::vector<std::string> prefixes_of(const GenerationCatalogue& catalogue, bus::TenantId tenant) {
    std::vector<std::string> prefixes;
    for (const StoredGeneration& one : catalogue.all())
        prefixes.push_back(projections::complete_key(one.instance, tenant, ""));
    prefixes.push_back(projections::complete_key(catalogue.dedup(), tenant, ""));
    return prefixes;
}

}  // namespace

Result<RowCounts> count_tenant_rows(const ProjectorPool& pool, bus::PartitionId partition,
                                    bus::TenantId tenant) {
    const auto all = pool.all_rows(partition);
    if (!all) return all.error();
    RowCounts counts{};
    for (const std::string& prefix : prefixes_of(all->catalogue, tenant))
        for (std::size_t table = 0; table < counts.size(); ++table)
            all->rows->scan(static_cast<std::uint8_t>(table), prefix,
                            projections::prefix_end(prefix), false,
                            [&](std::string_view, std::string_view) {
                                counts[table] += 1;
                                return true;
                            });
    if (all->rows->failure()) return *all->rows->failure();
    return counts;
}

Result<Done> erase_tenant_rows(ProjectorPool& pool, bus::PartitionId partition,
                               bus::TenantId tenant) {
    auto paused = pool.pause(partition);
    if (!paused) return paused.error();
    const GenerationCatalogue catalogue = paused->projector().catalogue();
    if (!catalogue.in_state(GenerationState::building).empty())
        return bus::fail(ErrorCode::conflict, "a generation is being built in partition {}",
                         partition);
    projections::store::RowStore& rows = paused->projector().store();
    for (const std::string& prefix : prefixes_of(catalogue, tenant)) {
        if (auto erased = rows.erase_prefix(prefix); !erased) return erased;
        bus::crash_point("erase.rows_of_a_generation");
    }
    if (auto changed = paused->change_catalogue(catalogue); !changed) return changed;
    return rows.flush();
}

}  // namespace consumers
