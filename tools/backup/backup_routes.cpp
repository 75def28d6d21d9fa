#include "tools/backup/backup_routes.hpp"

#include "schemas/json/json.hpp"
#include "tools/backup/compaction.hpp"
#include "tools/backup/make_backup.hpp"
#include "tools/jobs/job_routes.hpp"

#include <algorithm>
#include <functional>

namespace tools::backup {

using bus::ErrorCode;
using bus::Result;
using bus::http::Call;
using bus::http::Response;

namespace {

constexpr std::int64_t keep_max = 10'000;
constexpr bus::milliseconds control_wait_max{10'000};

Result<BackupOptions> read_options(const std::string& body) {
    schemas::json::Parser parser;
    const auto json = parser.parse(body);
    if (!json) return json.error();
    BackupOptions options{.to = std::string((*json)["to"].text()),
                          .with_keys = (*json)["with_keys"].boolean().value_or(false)};
    const auto keep = (*json)["keep"].integer().value_or(0);
    if (keep < 0 || keep > keep_max)
        return bus::fail(ErrorCode::invalid_input, "keep is 0 (all) to {}, not {}", keep_max, keep);
    options.keep = static_cast<std::size_t>(keep);
    if (!options.to.is_absolute())
        return bus::fail(ErrorCode::invalid_input,
                         "to is the absolute path of a folder on the machine that serves, not '{}'",
                         options.to.string());
    return options;
}

bus::Result<std::size_t> completed_erasures(const schemas::Registry& registry,
                                            bus::Offset control_end) {
    if (!registry.wait_applied(control_end, control_wait_max))
        return bus::fail(ErrorCode::unavailable, ".control is not applied yet; back up again");
    const std::vector<schemas::Erasure> all = registry.erasures();
    return static_cast<std::size_t>(
        std::count_if(all.begin(), all.end(), [](const auto& one) { return one.completed; }));
}

Response start_backup(const BackupPorts& ports, const Call& call) {
    const auto options = read_options(call.request.body);
    if (!options) return bus::http::problem(options.error());
    const BackupSource source{
        .data = ports.data,
        .engine = std::string(ports.log.engine()),
        .partitions = ports.log.partitions(),
        .store = [&pool =
                      ports.pool](bus::PartitionId partition) { return pool.upkeep(partition); },
        .erasures_completed = std::bind_front(completed_erasures, std::cref(ports.registry))};
    return jobs::started_job(
        ports.jobs,
        ports.jobs.start("backup", "everything", [source, options = *options](auto& run) {
            return make_backup(source, options, run);
        }));
}

Response start_compaction(const BackupPorts& ports) {
    return jobs::started_job(
        ports.jobs, ports.jobs.start("compact", "everything", [ports](jobs::JobRun& run) {
            return compact_stores(
                ports.log.partitions(),
                [&pool = ports.pool](bus::PartitionId partition) { return pool.upkeep(partition); },
                run);
        }));
}

}  // namespace

std::vector<bus::http::Route> backup_routes(const BackupPorts& ports) {
    const auto route = [](std::string path, std::string operation, std::string summary,
                          auto handle) {
        return bus::http::Route{.method = "POST",
                                .pattern = "/v1/operator/" + path,
                                .operation = std::move(operation),
                                .summary = std::move(summary),
                                .tag = "operator",
                                .access = bus::http::Access::admin,
                                .handle = std::move(handle)};
    };
    return {
        route("backups", "startBackup",
              "Back the log and the rows up to a folder, as a job: {to, with_keys, keep}",
              [ports](const Call& call) { return start_backup(ports, call); }),
        route("compactions", "startCompaction",
              "Rewrite the stores without what was replaced or deleted, as a job",
              [ports](const Call&) { return start_compaction(ports); }),
    };
}

}  // namespace tools::backup
