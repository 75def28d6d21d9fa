#include "tools/dead_letter_replay.hpp"

#include <algorithm>

namespace tools {

bus::Result<replay::ReplayRequest> mending_request(const schemas::Registry& registry,
                                                   bus::TenantId tenant,
                                                   const std::vector<MendedLetter>& letters) {
    BUS_ASSERT(!letters.empty(), "a replay mends something");
    const bus::SourceId source = letters.front().source;
    replay::ReplayRequest request{.mapping = replay::Reading::latest};
    request.from = request.to = letters.front().received;
    for (const MendedLetter& letter : letters) {
        if (letter.source != source)
            return bus::fail(bus::ErrorCode::conflict,
                             "these dead letters come from several sources; name one: 'source'");
        request.from = std::min(*request.from, letter.received);
        request.to = std::max(*request.to, letter.received);
    }
    *request.to += bus::milliseconds{1};
    if (const auto owner = registry.tenant(tenant)) request.tenant = owner->code;
    if (const auto known = registry.source(source)) request.source = known->slug;
    return request;
}

}  // namespace tools
