// Rewrites the files of stores without what was replaced or deleted (S-14).
#pragma once

#include "projections/store/row_store.hpp"
#include "tools/jobs/job_run.hpp"

#include <filesystem>

namespace tools::backup {

using StoreOf =
    std::function<bus::Result<std::unique_ptr<projections::store::StoreUpkeep>>(bus::PartitionId)>;

// One store after the other, so that no more than one is written twice at a time. The report:
// {stores, bytes_before, bytes_after, took_ms, partitions: [{partition, bytes_before,
// bytes_after}], remarks}.
bus::Result<std::string> compact_stores(bus::PartitionId partitions, const StoreOf& store,
                                        jobs::JobRun& run);

// Of a folder that no process serves: takes its lock meanwhile.
bus::Result<std::string> compact_offline(const std::filesystem::path& data, jobs::JobRun& run);

// Opens a store of such a folder.
StoreOf stores_of(const std::filesystem::path& data);

}  // namespace tools::backup
