// POST /v1/verify starts the proof as a job (S-09, S-16); admin key only.
#pragma once

#include "bus/http/http.hpp"
#include "tools/jobs/jobs.hpp"
#include "tools/verify/verify_work.hpp"

namespace tools::verify {

// All outlive the server; the jobs end before the log and the pool do.
struct VerifyPorts {
    bus::Log& log;
    const consumers::ProjectorPool& pool;
    jobs::Jobs& jobs;
};
std::vector<bus::http::Route> verify_routes(const VerifyPorts& ports);

}  // namespace tools::verify
