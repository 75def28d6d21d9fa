#include "tools/migrate/migrate_routes.hpp"

#include "bus/logging.hpp"
#include "schemas/json/json.hpp"
#include "tools/jobs/job_routes.hpp"
#include "tools/migrate/migration.hpp"

namespace tools::migrate {

using bus::ErrorCode;
using bus::Result;
using schemas::json::Value;

namespace {

constexpr std::int64_t replication_max = 9;

// {to, copy_only, kafka: {NAME: VALUE}, kafka_replication, kafka_prefix}
Result<MigrationPlan> read_plan(const ServeOptions& now, const std::string& body) {
    schemas::json::Parser parser;
    const auto json = parser.parse(body);
    if (!json) return json.error();
    const Value root = *json;
    const auto to = parse_log_name(root["to"].text());
    if (!to) return to.error();
    MigrationPlan plan{.to = now, .copy_only = root["copy_only"].boolean().value_or(false)};
    plan.to.log = to->log;
    if (!to->kafka) plan.to.data = to->folder;
    root["kafka"].each_member([&](std::string_view name, Value value) {
        plan.to.kafka[std::string(name)] = value.scalar_text();
    });
    const auto replication = root["kafka_replication"].integer().value_or(now.kafka_replication);
    if (replication < 1 || replication > replication_max)
        return bus::fail(ErrorCode::invalid_input, "kafka_replication is 1 to {}, not {}",
                         replication_max, replication);
    plan.to.kafka_replication = static_cast<int>(replication);
    if (root["kafka_prefix"]) plan.to.kafka_prefix = root["kafka_prefix"].text();
    return plan;
}

bool is_same_folder(const std::filesystem::path& a, const std::filesystem::path& b) {
    std::error_code ignored;
    return std::filesystem::weakly_canonical(a, ignored) ==
           std::filesystem::weakly_canonical(b, ignored);
}

Result<bus::Done> check_plan(const ServeOptions& now, const MigrationPlan& plan) {
    const bool same_folder = is_same_folder(now.data, plan.to.data);
    if (plan.copy_only && plan.to.log == "embedded" && same_folder)
        return bus::fail(ErrorCode::invalid_input, "a copy goes to another folder than {}",
                         now.data.string());
    if (plan.copy_only) return bus::Done{};
    if (!same_folder)
        return bus::fail(ErrorCode::invalid_input,
                         "the journal of {0} lies in {0}; to copy the log elsewhere without "
                         "moving to it add --copy-only",
                         now.data.string());
    if (!now.reopen)
        return bus::fail(ErrorCode::conflict,
                         "this process cannot move to another log; stop it and migrate offline");
    return bus::Done{};
}

Result<std::string> move(const MigratePorts& ports, const MigrationPlan& plan, jobs::JobRun& run) {
    bool paused = false;
    auto outcome = migrate({.log = ports.log,
                            .name = ports.options.log,
                            .data = ports.options.data,
                            .pause =
                                [&] {
                                    paused = true;
                                    ports.log.close();
                                },
                            .spool = dynamic_cast<const bus::spool::SpoolingLog*>(&ports.log)},
                           plan, run);
    if (auto written = write_outcome(ports.options.data, outcome); !written)
        bus::logging::error("migration_outcome_lost", {{"reason", written.error().message}});
    // The closed log takes no more, so the process opens one again: the new, or the old.
    if (paused) ports.options.reopen(outcome ? plan.to : ports.options);
    return outcome;
}

bus::http::Response start(const MigratePorts& ports, const bus::http::Call& call) {
    const auto plan = read_plan(ports.options, call.request.body);
    if (!plan) return bus::http::problem(plan.error());
    if (auto sound = check_plan(ports.options, *plan); !sound)
        return bus::http::problem(sound.error());
    return jobs::started_job(ports.jobs, ports.jobs.start("migrate", "everything",
                                                          [ports, plan = *plan](jobs::JobRun& run) {
                                                              forget_outcome(ports.options.data);
                                                              return move(ports, plan, run);
                                                          }));
}

}  // namespace

std::vector<bus::http::Route> migrate_routes(MigratePorts ports) {
    return {{.method = "POST",
             .pattern = "/v1/operator/migrations",
             .operation = "startMigration",
             .summary = "Move this installation to another log, as a job: {to, copy_only, kafka, "
                        "kafka_replication, kafka_prefix}",
             .tag = "operator",
             .access = bus::http::Access::admin,
             .handle = [ports](const bus::http::Call& call) { return start(ports, call); }}};
}

}  // namespace tools::migrate
