#include "tools/erase/erase_routes.hpp"

#include "bus/crash_point.hpp"
#include "schemas/json/json.hpp"
#include "tools/erase/customer_erasure.hpp"
#include "tools/jobs/job_routes.hpp"

namespace tools::erase {

using bus::ErrorCode;
using bus::Result;
using bus::http::Call;
using bus::http::problem;
using bus::http::Response;

namespace {

struct EraseRequest {
    std::string client;
    std::string customer;  // "" = all of the client
    bool with_shared = false;
    bool dry_run = false;
};

Result<EraseRequest> parse_request(std::string_view body) {
    schemas::json::Parser parser;
    const auto json = parser.parse(body);
    if (!json) return json.error();
    EraseRequest request{.client = std::string((*json)["client"].text()),
                         .customer = std::string((*json)["customer"].text()),
                         .with_shared = (*json)["with_shared"].boolean().value_or(false),
                         .dry_run = (*json)["dry_run"].boolean().value_or(false)};
    if (request.client.empty())
        return bus::fail(ErrorCode::invalid_input, "'client' names the client by its code");
    return request;
}

// One that was decided and has not ended is continued; a second decision would be none.
std::string pending_erasure(const schemas::Registry& registry, bus::TenantId tenant) {
    for (const schemas::Erasure& one : registry.erasures())
        if (one.tenant == tenant && one.whole_tenant && !one.completed) return one.id;
    return {};
}

// Which records they are takes a while to find, so the decision is made by the job.
Result<std::string> start_customer(const ErasePorts& ports, const EraseRequest& request,
                                   bus::TenantId tenant) {
    CustomerRequest wanted{.tenant = tenant,
                           .customer = request.customer,
                           .dry_run = request.dry_run,
                           .with_shared = request.with_shared};
    return ports.jobs.start("erase", "a customer of " + request.client,
                            [ports, wanted = std::move(wanted)](jobs::JobRun& run) {
                                return erase_customer(ports, wanted, run);
                            });
}

Result<std::string> start_erasure(const ErasePorts& ports, const EraseRequest& request) {
    const auto named = ports.registry.tenant_by_code(request.client);
    if (!named) return bus::fail(ErrorCode::not_found, "there is no client '{}'", request.client);
    const auto tenant = producers::commands::erasable_tenant(ports.registry, named->id);
    if (!tenant) return tenant.error();
    if (!request.customer.empty()) return start_customer(ports, request, named->id);
    if (auto can = ports.jobs.can_start("erase"); !can) return can.error();
    std::string erasure;
    if (!request.dry_run) {
        producers::commands::EraseDecisions decisions(ports.writer, ports.registry);
        erasure = pending_erasure(ports.registry, named->id);
        if (erasure.empty()) {
            erasure = decisions.new_id();
            if (auto decided = decisions.erase_tenant(erasure, named->id); !decided)
                return decided.error();
        }
        bus::crash_point("erase.decided");
    }
    const std::string subject = erasure.empty() ? "look at " + request.client : erasure;
    return ports.jobs.start("erase", subject, [ports, id = named->id, erasure](jobs::JobRun& run) {
        return erase_tenant(ports, id, erasure, run);
    });
}

Response start(const ErasePorts& ports, const Call& call) {
    const auto request = parse_request(call.request.body);
    if (!request) return problem(request.error());
    return jobs::started_job(ports.jobs, start_erasure(ports, *request));
}

}  // namespace

std::vector<bus::http::Route> erase_routes(const ErasePorts& ports) {
    return {
        {.method = "POST",
         .pattern = "/v1/erase",
         .operation = "startErase",
         .summary = "Erase a client or one of its customers for good, as a job; dry_run only looks",
         .tag = "operator",
         .access = bus::http::Access::admin,
         .handle = [ports](const Call& call) { return start(ports, call); }}};
}

}  // namespace tools::erase
