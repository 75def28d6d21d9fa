// POST /v1/operator/backups and /v1/operator/compactions: jobs of a serving process (S-14, S-16);
// admin key only.
#pragma once

#include "bus/http/http.hpp"
#include "bus/log.hpp"
#include "consumers/projector_pool.hpp"
#include "schemas/registry.hpp"
#include "tools/jobs/jobs.hpp"

#include <filesystem>

namespace tools::backup {

// All of it outlives the server and the jobs.
struct BackupPorts {
    std::filesystem::path data;
    bus::Log& log;
    const schemas::Registry& registry;
    const consumers::ProjectorPool& pool;
    jobs::Jobs& jobs;
};

std::vector<bus::http::Route> backup_routes(const BackupPorts& ports);

}  // namespace tools::backup
