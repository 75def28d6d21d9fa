// Makes the base of a partition (consumers/base_rows.hpp), durably: a new one beside the old, which
// goes when the new one has its name.
#pragma once

#include "consumers/base_rows.hpp"
#include "consumers/projector_pool.hpp"
#include "tools/jobs/job_run.hpp"

namespace tools::retention {

// Folds what lies between the base there is and `floor` onto it. conflict: a generation is being
// built, or is kept as other code made it, or the generations changed meanwhile, or a tenant is
// being erased from the base.
bus::Result<consumers::Base> make_base(consumers::ProjectorPool& pool, bus::PartitionId partition,
                                       const bus::Position& floor, bus::Timestamp now,
                                       jobs::JobRun& run);

// The base without a tenant's rows, and no older one. How many there were; 0: nothing to do, or no
// base. conflict: a base is being made. unavailable: they may be in an older one still.
bus::Result<std::uint64_t> erase_from_base(const consumers::ProjectorSetup& setup,
                                           bus::PartitionId partition, bus::TenantId tenant);

}  // namespace tools::retention
