#include "tools/export/export_routes.hpp"

#include "schemas/json/json.hpp"
#include "tools/export/kept_exports.hpp"
#include "tools/jobs/job_routes.hpp"

namespace tools::exports {

using bus::ErrorCode;
using bus::Result;
using bus::http::Call;
using bus::http::problem;
using bus::http::Response;
using schemas::json::Value;

namespace {

Result<std::optional<bus::Timestamp>> read_time(Value value, std::string_view name) {
    if (value.text().empty()) return std::optional<bus::Timestamp>{};
    const auto time = bus::from_iso(value.text());
    if (!time) return bus::fail(ErrorCode::invalid_input, "{}: {}", name, time.error().message);
    return std::optional(*time);
}

Result<ExportWish> read_wish(const Call& call, const std::filesystem::path& fallback) {
    schemas::json::Parser parser;
    const auto json = parser.parse(call.request.body.empty() ? "{}" : call.request.body);
    if (!json) return json.error();
    ExportWish wish;
    wish.out = (*json)["out"].text();
    if (wish.out.empty()) wish.out = fallback;
    if (!wish.out.is_absolute())
        return bus::fail(ErrorCode::invalid_input,
                         "out is the absolute path of a folder on the machine that serves, not "
                         "'{}'",
                         wish.out.string());
    const std::string_view format = (*json)["format"].text();
    if (!format.empty() && format != "ndjson" && format != "csv")
        return bus::fail(ErrorCode::invalid_input, "format is ndjson or csv, not '{}'", format);
    if (format == "csv") wish.format = ExportFormat::csv;
    wish.restart = (*json)["continue"].boolean().value_or(false);
    for (const auto& [name, out] : {std::pair{"from", &wish.from}, std::pair{"to", &wish.to}}) {
        auto time = read_time((*json)[name], name);
        if (!time) return time.error();
        *out = *time;
    }
    return wish;
}

}  // namespace

std::vector<bus::http::Route> export_routes(const ExportPorts& ports, jobs::Jobs& jobs,
                                            const std::filesystem::path& exports) {
    const auto start = [&ports, &jobs, exports](const Call& call, bus::TenantId tenant,
                                                std::string customer) -> Response {
        auto wish = read_wish(call, kept_export(exports, tenant, ports.clock.now()));
        if (!wish) return problem(wish.error());
        wish->tenant = tenant;
        wish->customer = std::move(customer);
        const std::string subject = wish->out.string();
        return jobs::started_job(
            jobs, jobs.start("export", subject, [&ports, wish = *wish](jobs::JobRun& run) {
                return run_export(ports, wish, run);
            }));
    };
    const auto route = [](std::string pattern, std::string operation, std::string summary,
                          bus::http::Access access, auto handle) {
        return bus::http::Route{.method = "POST",
                                .pattern = std::move(pattern),
                                .operation = std::move(operation),
                                .summary = std::move(summary),
                                .tag = "operator",
                                .access = access,
                                .handle = std::move(handle)};
    };
    return {
        route("/v1/tenants/:tenant/export", "exportTenant",
              "Write everything of a tenant to a folder, as a job: {out, format, from, to, "
              "continue} (S-14)",
              bus::http::Access::admin,
              [&ports, start](const Call& call) {
                  const auto tenant = ports.registry.tenant_by_code(call.parameter("tenant"));
                  if (!tenant)
                      return problem(
                          404, "not_found",
                          fmt::format("there is no tenant '{}'", call.parameter("tenant")));
                  return start(call, tenant->id, "");
              }),
        route("/v1/customers/:key/export", "exportCustomer",
              "Write everything of one customer of the tenant in x-client-code to a folder, as a "
              "job (S-14)",
              bus::http::Access::admin,
              [start](const Call& call) {
                  if (!call.caller.tenant)
                      return problem(403, "tenant_required", "name the tenant with x-client-code");
                  return start(call, *call.caller.tenant, std::string(call.parameter("key")));
              }),
    };
}

}  // namespace tools::exports
