// Mending dead letters for good: the replay that takes their records anew with the newest mapping
// of their source, as a generation of one tenant's rows (tools/replay/).
#pragma once

#include "schemas/registry.hpp"
#include "tools/replay/replay_request.hpp"

#include <string>
#include <vector>

namespace tools {

struct MendedLetter {
    bus::SourceId source;
    bus::Timestamp received{};  // to the millisecond in which its list shows it
};

// One source, from the first letter to the last. conflict: letters of several sources.
bus::Result<replay::ReplayRequest> mending_request(const schemas::Registry& registry,
                                                   bus::TenantId tenant,
                                                   const std::vector<MendedLetter>& letters);

}  // namespace tools
