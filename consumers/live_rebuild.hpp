// Builds anew what is read and was made by other code, until none of it is left.
#pragma once

#include "consumers/generation_builder.hpp"

namespace consumers {

// What passes by itself (no room on the disk, a log that is away, a partition that is not open yet)
// is tried again with growing pauses, and `waits` is told why; the other partitions are built
// meanwhile. cancelled, and what does not pass: corrupt, conflict, a partition that is stopped.
bus::Result<bus::Done> rebuild_live(ProjectorPool& pool, const BuildLimits& limits,
                                    BuildWatch& watch,
                                    const std::function<void(const std::string& reason)>& waits);

// Something is to be built, or may be once its partition opens.
bool needs_live_rebuild(ProjectorPool& pool);

}  // namespace consumers
