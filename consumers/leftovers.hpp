// What a process leaves behind that dies while it makes or drops a store or a base.
#pragma once

#include "consumers/projector_setup.hpp"

namespace consumers {

// Removes it, before the stores are opened and while nobody else works in these folders. What
// cannot be removed, or looked for, is told in the log, and stays.
void remove_leftovers(const ProjectorSetup& setup);

}  // namespace consumers
