// POST /v1/tenants/:t/export and POST /v1/customers/:key/export: a job each (S-14).
#pragma once

#include "bus/http/http.hpp"
#include "tools/export/export_work.hpp"
#include "tools/jobs/jobs.hpp"

namespace tools::exports {

// `ports` and `jobs` outlive the server. Without "out" a folder under `exports` is taken.
std::vector<bus::http::Route> export_routes(const ExportPorts& ports, jobs::Jobs& jobs,
                                            const std::filesystem::path& exports);

}  // namespace tools::exports
