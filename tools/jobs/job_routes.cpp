#include "tools/jobs/job_routes.hpp"

#include "schemas/json/json.hpp"
#include "tools/jobs/progress_line.hpp"

#include <algorithm>

namespace tools::jobs {

using bus::http::Call;
using bus::http::Response;
using schemas::json::Writer;

namespace {

double seconds_between(bus::Timestamp from, bus::Timestamp to) {
    return std::chrono::duration<double>(to - from).count();
}

void write_speed(Writer& json, const JobStatus& job, bus::Timestamp now) {
    const double elapsed = seconds_between(job.phase_started_at, job.ended_at.value_or(now));
    if (elapsed < told_speed_min_s || job.done == 0) return;
    const double per_second = static_cast<double>(job.done) / elapsed;
    json.member("per_second", static_cast<std::int64_t>(per_second));
    if (job.ended() || job.total < job.done) return;
    const double left = static_cast<double>(job.total - job.done) / per_second;
    json.member("eta_s", static_cast<std::int64_t>(left) + 1);
}

Response answer(const JobStatus& job) {
    return {.body = job_json(job, bus::system_clock().now())};
}

Response changed(Jobs& jobs, const Call& call,
                 bus::Result<bus::Done> (Jobs::*change)(std::string_view)) {
    const std::string_view id = call.parameter("id");
    if (auto done = (jobs.*change)(id); !done) return bus::http::problem(done.error());
    return answer(*jobs.find(id));
}

}  // namespace

std::string job_json(const JobStatus& job, bus::Timestamp now) {
    std::string body;
    Writer json(body);
    json.begin_object()
        .member("id", job.id)
        .member("kind", job.kind)
        .member("subject", job.subject)
        .member("state", name(job.state))
        .member("phase", job.phase)
        .member("done", static_cast<std::int64_t>(job.done));
    if (job.total > 0) json.member("total", static_cast<std::int64_t>(job.total));
    json.member("unit", job.unit);
    write_speed(json, job, now);
    json.member("started_at", bus::to_iso(job.started_at));
    if (job.ended_at) json.member("ended_at", bus::to_iso(*job.ended_at));
    if (!job.report.empty()) json.key("report").raw(job.report);
    if (!job.error.empty()) json.member("error", job.error);
    json.end_object();
    return body;
}

Response started_job(const Jobs& jobs, const bus::Result<std::string>& id) {
    if (!id) return bus::http::problem(id.error());
    Response response = answer(*jobs.find(*id));
    response.status = 202;
    response.headers.emplace_back("location", "/v1/jobs/" + *id);
    return response;
}

std::vector<bus::http::Route> job_routes(Jobs& jobs) {
    const auto route = [](std::string method, std::string pattern, std::string operation,
                          std::string summary, auto handle) {
        return bus::http::Route{.method = std::move(method),
                                .pattern = std::move(pattern),
                                .operation = std::move(operation),
                                .summary = std::move(summary),
                                .tag = "operator",
                                .access = bus::http::Access::admin,
                                .handle = std::move(handle)};
    };
    return {
        route("GET", "/v1/jobs", "listJobs", "Long jobs of this process, newest first",
              [&jobs](const Call&) {
                  const bus::Timestamp now = bus::system_clock().now();
                  std::string body;
                  Writer json(body);
                  json.begin_object().key("data").begin_array();
                  for (const JobStatus& job : jobs.all()) json.raw(job_json(job, now));
                  json.end_array().end_object();
                  return Response{.body = std::move(body)};
              }),
        route("GET", "/v1/jobs/:id", "getJob", "One job: progress, then its report",
              [&jobs](const Call& call) {
                  const auto job = jobs.find(call.parameter("id"));
                  if (!job)
                      return bus::http::problem(404, "not_found", "no such job in this process");
                  return answer(*job);
              }),
        route("POST", "/v1/jobs/:id/cancel", "cancelJob", "Stop a job; it can be started again",
              [&jobs](const Call& call) { return changed(jobs, call, &Jobs::cancel); }),
        route("POST", "/v1/jobs/:id/pause", "pauseJob", "Let a job rest",
              [&jobs](const Call& call) { return changed(jobs, call, &Jobs::pause); }),
        route("POST", "/v1/jobs/:id/resume", "resumeJob", "Let a paused job go on",
              [&jobs](const Call& call) { return changed(jobs, call, &Jobs::resume); }),
    };
}

}  // namespace tools::jobs
