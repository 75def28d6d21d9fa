// One person of a client: records are found, the decision names them, bodies go, and the client's
// rows become what the log says without them.
#pragma once

#include "projections/read_port.hpp"
#include "tools/erase/erase_work.hpp"

namespace tools::erase {

// `customer` as a person writes it: a phone number, an email, or a key. Nothing is decided in a dry
// run. Records that tell of others too stay unless `with_shared`, and are listed.
struct CustomerRequest {
    bus::TenantId tenant;
    std::string customer;
    bool dry_run = false;
    bool with_shared = false;
};
bus::Result<std::string> erase_customer(const ErasePorts& ports, const CustomerRequest& request,
                                        jobs::JobRun& run);

// What was decided already: as the end of the above. Exactly the records that the decision names
// go; it names no person, so the report is not complete before she is erased again.
bus::Result<std::string> carry_out_customer(const ErasePorts& ports,
                                            const schemas::Erasure& erasure, jobs::JobRun& run);

// Only the bodies, of an erasure that was completed where they had to be kept.
bus::Result<bus::Done> erase_customer_bodies(const ErasePorts& ports,
                                             const schemas::Erasure& erasure, jobs::JobRun& run);

}  // namespace tools::erase
