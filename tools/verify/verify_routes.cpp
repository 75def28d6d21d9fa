#include "tools/verify/verify_routes.hpp"

#include "tools/jobs/job_routes.hpp"

namespace tools::verify {

using bus::http::Call;
using bus::http::Response;

namespace {

Response start(const VerifyPorts& ports, const Call& call) {
    const auto request = parse_verify_request(call.request.body);
    if (!request) return bus::http::problem(request.error());
    return jobs::started_job(
        ports.jobs,
        ports.jobs.start("verify", "log", [ports, wanted = *request](jobs::JobRun& run) {
            return verify_all(ports.log, ports.pool, wanted, run);
        }));
}

}  // namespace

std::vector<bus::http::Route> verify_routes(const VerifyPorts& ports) {
    return {{.method = "POST",
             .pattern = "/v1/verify",
             .operation = "startVerify",
             .summary = "Prove the log (nothing missing, in order, as it was written) and that the "
                        "rows follow from it; a job",
             .tag = "operator",
             .access = bus::http::Access::admin,
             .handle = [ports](const Call& call) { return start(ports, call); }}};
}

}  // namespace tools::verify
