// S-05: what is done about dead letters. Lists and objects are the read API's.
//
//   POST /v1/quarantine/:id/discard    {"reason"?}         a fact; listed under status=discarded
//   POST /v1/quarantine/:id/replay     {"dry_run"?,"switch"?,"without_expired"?}
//   POST /v1/quarantine/bulk-replay    {"dry_run"?,"switch"?,"without_expired"?,"source"?,"from"?,
//                                       "to"?,"limit"?}
//
// A dry run says what the source's newest mapping makes of them and writes nothing. Else the
// operator (not the tenant: it reads the whole log) gets 202 with the job that builds the tenant's
// rows anew, for those that are mended; with "switch" they go live. "without_expired": see
// ReplayRequest.
#pragma once

#include "bus/clock.hpp"
#include "bus/http/http.hpp"
#include "bus/log.hpp"
#include "projections/read_port.hpp"
#include "schemas/registry.hpp"
#include "tools/replay/replay_routes.hpp"

#include <vector>

namespace tools {

struct DeadLetterPorts {
    bus::Log& log;
    const schemas::Registry& registry;
    projections::ReadPort& reads;
    bus::Clock& clock;
    bus::IdSource& ids;
    replay::ReplayPorts replays;
};

// How many dead letters one bulk-replay looks at; the newest ones.
inline constexpr std::size_t bulk_replay_max = 1'000;

// The ports must outlive the server.
std::vector<bus::http::Route> dead_letter_routes(const DeadLetterPorts& ports);

}  // namespace tools
