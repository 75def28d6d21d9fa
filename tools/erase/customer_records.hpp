// Which records of a tenant tell of one person: those whose events name a key of the connected
// customer, as the live rows read them or as they are stamped, and those that hold such a key as
// text (key_texts.hpp) where a reading says of something in them not whose it is: it failed, gave
// no event, or one without a key. Whom else such a text names nobody knows.
#pragma once

#include "bus/log.hpp"
#include "projections/identity/identity_reads.hpp"
#include "schemas/record_stamps.hpp"
#include "tools/jobs/job_run.hpp"

namespace tools::erase {

struct CustomerRecords {
    std::vector<bus::Address> hers;
    // Records that tell of others too, such as one webhook with messages of several people: taking
    // them out would take from others.
    std::vector<bus::Address> shared;
};

// `readings` are the tenant's.
bus::Result<CustomerRecords> find_customer_records(bus::Log& log, const schemas::Registry& registry,
                                                   schemas::TenantReadings& readings,
                                                   const schemas::Tenant& tenant,
                                                   const projections::Customer& customer,
                                                   jobs::JobRun& run);

}  // namespace tools::erase
