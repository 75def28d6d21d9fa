// Many connections that say nothing, or a byte now and then, on either port: below three quarters
// of what it takes they stay and cost others nothing, beyond that they are let go.
#pragma once

#include "tests/prove/other_callers.hpp"

namespace tests::prove {

void try_crowds(Section& section, const Addresses& addresses, const OtherCallers& others);

}  // namespace tests::prove
