// A loss that a log tells has to stay one: a broker that has hung may for a moment tell what it led
// long ago.
#pragma once

#include "bus/result.hpp"

#include <functional>

namespace bus {

// The answer of `look`, which is asked again, after pauses of together some 1.4 s, while it says
// `corrupt`.
Result<Done> look_again_at_loss(const std::function<Result<Done>()>& look);

}  // namespace bus
