// One tenant's events by way of the ingress: told again by another, or asked for at its doors.
#pragma once

#include "tests/prove/marked_tenant.hpp"
#include "tests/prove/section.hpp"

namespace tests::prove {

// What `hunter` tells to a source of its own is no copy of the same told by `victim`; and none of
// the victim's sources takes, or says anything to, a secret of the hunter's. Afterwards the
// hunter's own data holds the marker.
void hunt_by_ingress(Section& section, ProductClient& client, const MarkedTenant& victim,
                     const MarkedTenant& hunter);

}  // namespace tests::prove
