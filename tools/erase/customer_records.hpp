// Which records of a tenant tell of one person: those whose events, mapped as they are stamped,
// name a key of the connected customer, and those that could not be mapped and hold such a key as
// text.
#pragma once

#include "bus/log.hpp"
#include "projections/identity/identity_reads.hpp"
#include "schemas/mapping.hpp"
#include "schemas/registry.hpp"
#include "tools/jobs/job_run.hpp"

namespace tools::erase {

struct CustomerRecords {
    std::vector<bus::Address> hers;
    // Records that tell of others too, such as one webhook with messages of several people: taking
    // them out would take from others.
    std::vector<bus::Address> shared;
};

bus::Result<CustomerRecords> find_customer_records(bus::Log& log, const schemas::Registry& registry,
                                                   bus::TenantId tenant,
                                                   const projections::Customer& customer,
                                                   jobs::JobRun& run);

}  // namespace tools::erase
