// Every record of a tenant in the log, those that the door refused among them.
#pragma once

#include "bus/log.hpp"
#include "tools/jobs/job_run.hpp"

namespace tools::erase {

// From the start of the log to where it ends now. Tells `run` how many records were read. Errors:
// cancelled, and those of reading and of `visit`.
bus::Result<bus::Done> visit_tenant_records(
    bus::Log& log, bus::TenantId tenant, jobs::JobRun& run,
    const std::function<bus::Result<bus::Done>(const bus::RecordView&)>& visit);

// What visit_tenant_records() will read, about.
bus::Result<std::uint64_t> records_to_read(bus::Log& log, bus::TenantId tenant);
bus::PartitionId partition_of(const bus::Log& log, bus::TenantId tenant);

}  // namespace tools::erase
