// S-07 and S-08 over HTTP, admin key only:
//   GET /v1/projections, /:name; POST /:name/rebuild|switch|rollback|drop-old
//   POST /v1/replays, /v1/replays/compare; GET /v1/replays, /:id; POST /:id/cancel
// `:name` is a projection or "all".
#pragma once

#include "bus/http/http.hpp"
#include "tools/jobs/jobs.hpp"
#include "tools/replay/replay_work.hpp"

namespace tools::replay {

// All outlive the server; the jobs end before the pool does.
struct ReplayPorts {
    consumers::ProjectorPool& pool;
    GenerationControl& control;
    ReplayWork& work;
    jobs::Jobs& jobs;
};

// 202 with the job, or why not.
bus::http::Response start_replay(const ReplayPorts& ports, const ReplayRequest& request);

std::vector<bus::http::Route> replay_routes(const ReplayPorts& ports);
std::vector<bus::http::Route> projection_routes(const ReplayPorts& ports);

// What a start of the program leaves to do: rows of other code are built anew, those of dropped
// generations are erased.
void start_what_is_left(const ReplayPorts& ports);
// What a store that was made anew lacks of the live rows. False: another job is in the way.
bool start_rebuild(const ReplayPorts& ports);
bus::Result<std::string> start_erasing(const ReplayPorts& ports);

}  // namespace tools::replay
