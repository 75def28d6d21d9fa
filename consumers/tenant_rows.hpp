// Takes a tenant's rows out of a partition's store: every generation, every table.
#pragma once

#include "consumers/projector_pool.hpp"

#include <array>

namespace consumers {

inline constexpr std::array<std::string_view, 4> table_names{"rows", "entries", "index",
                                                             "measures"};
using RowCounts = std::array<std::uint64_t, table_names.size()>;

// As a reader would find them now, over all generations.
bus::Result<RowCounts> count_tenant_rows(const ProjectorPool& pool, bus::PartitionId partition,
                                         bus::TenantId tenant);

// Between two steps of the projector; on disk when it returns. What is decoded in memory goes too.
// conflict: a generation is being built, and its rows are elsewhere. unavailable: not open.
bus::Result<bus::Done> erase_tenant_rows(ProjectorPool& pool, bus::PartitionId partition,
                                         bus::TenantId tenant);

}  // namespace consumers
