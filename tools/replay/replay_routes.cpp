#include "tools/replay/replay_routes.hpp"

#include "bus/logging.hpp"
#include "schemas/json/json.hpp"
#include "tools/jobs/job_routes.hpp"

namespace tools::replay {

using bus::http::Call;
using bus::http::problem;
using bus::http::Response;

namespace {

// No job that has begun may find out what the request itself says.
bus::Result<bus::Done> check(const ReplayPorts& ports, const ReplayRequest& request) {
    if (auto known = ports.control.projections(request.projections); !known) return known.error();
    if (auto spec = ports.control.spec(request); !spec) return spec.error();
    if (request.dry_run || !request.switches() || request.without_expired) return bus::Done{};
    return ports.control.check_makes_all();
}

Response start(const ReplayPorts& ports, const Call& call) {
    const auto request = parse_replay_request(call.request.body);
    return request ? start_replay(ports, *request) : problem(request.error());
}

Response compare(const ReplayPorts& ports, const Call& call) {
    const auto request = parse_replay_request(call.request.body);
    if (!request) return problem(request.error());
    const auto wanted = ports.control.projections(request->projections);
    if (!wanted) return problem(wanted.error());
    return jobs::started_job(ports.jobs,
                             ports.jobs.start("compare", std::string{replay_job_subject},
                                              [ports, names = *wanted](jobs::JobRun& run) {
                                                  return ports.work.difference(names, run);
                                              }));
}

bool is_replay(const jobs::JobStatus& job) {
    return job.kind == replay_job_kind;
}

Response list(const ReplayPorts& ports) {
    const bus::Timestamp now = bus::system_clock().now();
    std::string body;
    schemas::json::Writer json(body);
    json.begin_object().key("data").begin_array();
    for (const jobs::JobStatus& job : ports.jobs.all())
        if (is_replay(job)) json.raw(jobs::job_json(job, now));
    json.end_array().end_object();
    return {.body = std::move(body)};
}

Response show(const ReplayPorts& ports, const Call& call) {
    const auto job = ports.jobs.find(call.parameter("id"));
    if (!job || !is_replay(*job))
        return problem(
            404, "not_found",
            "no such replay in this process; GET /v1/projections shows what of it stands");
    return {.body = jobs::job_json(*job, bus::system_clock().now())};
}

Response cancel(const ReplayPorts& ports, const Call& call) {
    const auto job = ports.jobs.find(call.parameter("id"));
    if (!job || !is_replay(*job))
        return problem(404, "not_found", "no such replay in this process");
    if (auto cancelled = ports.jobs.cancel(job->id); !cancelled) return problem(cancelled.error());
    return show(ports, call);
}

bool start_changed(const ReplayPorts& ports) {
    const auto job =
        ports.jobs.start(std::string{replay_job_kind}, std::string{replay_job_subject},
                         [ports](jobs::JobRun& run) { return ports.work.rebuild_changed(run); });
    if (!job)
        bus::logging::error("rebuild_not_started", {{"reason", job.error().message}});
    else
        bus::logging::info("rebuild_started", {{"job", *job}});
    return job.has_value();
}

}  // namespace

Response start_replay(const ReplayPorts& ports, const ReplayRequest& request) {
    if (auto sound = check(ports, request); !sound) return problem(sound.error());
    return jobs::started_job(
        ports.jobs, ports.jobs.start(std::string{replay_job_kind}, std::string{replay_job_subject},
                                     [ports, wanted = request](jobs::JobRun& run) {
                                         return ports.work.replay(wanted, run);
                                     }));
}

void start_what_is_left(const ReplayPorts& ports) {
    if (!ports.work.has_changed()) {
        if (ports.work.has_dropped()) (void)start_erasing(ports);
        return;
    }
    (void)start_changed(ports);
}

bool start_rebuild(const ReplayPorts& ports) {
    return !ports.work.has_changed() || start_changed(ports);
}

bus::Result<std::string> start_erasing(const ReplayPorts& ports) {
    return ports.jobs.start("erase_dropped", std::string{replay_job_subject},
                            [ports](jobs::JobRun& run) { return ports.work.erase_dropped(run); });
}

std::vector<bus::http::Route> replay_routes(const ReplayPorts& ports) {
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
        route("POST", "/v1/replays", "startReplay",
              "Build generations beside the live ones from the log; a job",
              [ports](const Call& call) { return start(ports, call); }),
        route("POST", "/v1/replays/compare", "compareReplay",
              "What prepared generations say differently from the live ones; a job",
              [ports](const Call& call) { return compare(ports, call); }),
        route("GET", "/v1/replays", "listReplays", "Replays of this process, newest first",
              [ports](const Call&) { return list(ports); }),
        route("GET", "/v1/replays/:id", "getReplay", "One replay: progress, then its report",
              [ports](const Call& call) { return show(ports, call); }),
        route("POST", "/v1/replays/:id/cancel", "cancelReplay",
              "Stop a replay; what it has built stays, to be resumed or dropped",
              [ports](const Call& call) { return cancel(ports, call); }),
    };
}

}  // namespace tools::replay
