// What was decided to be erased, as `.control` holds it: the decision comes first, the bytes go
// after it, and a fact says when they are gone. What is not completed is done again at the next
// start; what is restored from a copy is erased again from here.
//
// No decision names a person: it names records. Of a whole tenant it names the tenant.
#pragma once

#include "bus/record_range.hpp"

#include <string>
#include <vector>

namespace schemas {

struct Erasure {
    std::string id;  // "era_..."
    bus::TenantId tenant;
    bool whole_tenant = false;  // then every record of the tenant, and `records` is empty
    std::vector<bus::RecordRange> records;  // of a person
    bool completed = false;
    bus::Timestamp decided_at{};
    bus::Offset decided_by = 0;  // the fact's offset in `.control`
};

}  // namespace schemas
