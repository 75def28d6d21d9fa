// GET /v1/jobs, GET /v1/jobs/:id, POST /v1/jobs/:id/cancel|pause|resume (S-16); admin key only.
#pragma once

#include "bus/http/http.hpp"
#include "tools/jobs/jobs.hpp"

namespace tools::jobs {

// `jobs` outlives the server.
std::vector<bus::http::Route> job_routes(Jobs& jobs);

// One job as the API shows it: {id, kind, subject, state, phase, done, total?, unit, per_second,
// eta_s?, started_at, ended_at?, report?, error?}.
std::string job_json(const JobStatus& job, bus::Timestamp now);

// 202 with the job and its Location, or the problem.
bus::http::Response started_job(const Jobs& jobs, const bus::Result<std::string>& id);

}  // namespace tools::jobs
