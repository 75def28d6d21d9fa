// POST /v1/operator/migrations: a job that moves the serving process to another log (B-15, S-16);
// admin key only.
#pragma once

#include "bus/http/http.hpp"
#include "bus/log.hpp"
#include "tools/jobs/jobs.hpp"
#include "tools/options.hpp"

namespace tools::migrate {

// All of it outlives the server and the jobs.
struct MigratePorts {
    const ServeOptions& options;
    bus::Log& log;
    jobs::Jobs& jobs;
};

std::vector<bus::http::Route> migrate_routes(MigratePorts ports);

}  // namespace tools::migrate
