// migrate: from one log engine to another, running or offline.
#include "tools/command.hpp"
#include "tools/installation.hpp"
#include "tools/jobs/foreground_job.hpp"
#include "tools/migrate/migration.hpp"
#include "tools/open_log.hpp"
#include "tools/report_lines.hpp"

#include <chrono>
#include <memory>
#include <thread>

namespace tools {
namespace {

using bus::ErrorCode;
using bus::Result;
using migrate::LogName;

constexpr std::chrono::seconds reopen_max{90};
constexpr std::chrono::milliseconds look_every{100};

struct MigrateFlags {
    std::string data, from, to;
    bool copy_only = false;
    std::vector<std::string> kafka;
    std::string kafka_properties;
    int kafka_replication = 1;
    std::string kafka_prefix;
};

struct Request {
    ServeOptions from;  // of the installation as it is
    LogName to;
};

// The data folder is the one that an embedded: name tells, unless --data does.
Result<std::string> data_folder(const MigrateFlags& flags, const LogName& from, const LogName& to) {
    if (!flags.data.empty()) return flags.data;
    if (!from.kafka) return from.folder.string();
    if (!to.kafka && !flags.copy_only) return to.folder.string();
    return bus::fail(ErrorCode::invalid_input, "which installation? --data FOLDER");
}

Result<Request> read_request(const MigrateFlags& flags) {
    auto from = migrate::parse_log_name(flags.from);
    if (!from) return bus::fail(from.error().code, "--from: {}", from.error().message);
    auto to = migrate::parse_log_name(flags.to);
    if (!to) return bus::fail(to.error().code, "--to: {}", to.error().message);
    const auto data = data_folder(flags, *from, *to);
    if (!data) return data.error();
    const auto description = read_description(*data);
    if (!description) return description.error();
    if (description->engine != (from->kafka ? "kafka" : "embedded"))
        return bus::fail(ErrorCode::conflict, "the log of {} is {}, not {}", *data,
                         description->log.empty() ? description->engine : description->log,
                         flags.from);
    Request request{.from = {}, .to = *std::move(to)};
    request.from.data = *data;
    request.from.log = from->log;
    request.from.partitions = description->partitions;
    auto properties = parse_properties(flags.kafka, flags.kafka_properties);
    if (!properties) return properties.error();
    request.from.kafka = *std::move(properties);
    request.from.kafka_replication = flags.kafka_replication;
    request.from.kafka_prefix =
        flags.kafka_prefix.empty() ? description->kafka_prefix : flags.kafka_prefix;
    return request;
}

std::string body_of(const MigrateFlags& flags, const Request& request) {
    std::string body;
    schemas::json::Writer json(body);
    const std::string to =
        request.to.kafka
            ? request.to.log
            : "embedded:" +
                  std::filesystem::absolute(request.to.folder).lexically_normal().string();
    json.begin_object()
        .member("to", to)
        .member("copy_only", flags.copy_only)
        .member("kafka_replication", std::int64_t{request.from.kafka_replication})
        .member("kafka_prefix", request.from.kafka_prefix)
        .key("kafka")
        .begin_object();
    for (const auto& [name, value] : request.from.kafka) json.member(name, value);
    json.end_object().end_object();
    return body;
}

// The process opens its new log and takes its note away meanwhile.
void wait_until_it_serves(const Request& request) {
    const auto deadline = std::chrono::steady_clock::now() + reopen_max;
    const std::string engine = request.to.kafka ? "kafka" : "embedded";
    while (std::chrono::steady_clock::now() < deadline) {
        auto instance = RunningInstance::find(request.from.data);
        if (instance && instance->note().engine == engine && instance->get("/v1/jobs")) return;
        std::this_thread::sleep_for(look_every);
    }
    fmt::print(stderr, "note: the process does not serve on the new log yet; see its messages\n");
}

// The job ends with the log it ran on, so its outcome is asked of the folder.
Result<std::string> follow_move(RunningInstance& instance, const MigrateFlags& flags,
                                const Request& request) {
    const auto job = jobs::start_job(instance, "/v1/operator/migrations", body_of(flags, request));
    if (!job) return job.error();  // what the folder tells is of an earlier one
    auto followed = jobs::follow_job(instance, *job);
    if (flags.copy_only || (!followed && followed.error().code == ErrorCode::cancelled))
        return followed;
    const auto deadline = std::chrono::steady_clock::now() + reopen_max;
    while (!followed && std::chrono::steady_clock::now() < deadline) {
        const auto outcome = migrate::read_outcome(request.from.data);
        if (outcome || outcome.error().code != ErrorCode::not_found) {
            followed = outcome;
            break;
        }
        std::this_thread::sleep_for(look_every);
    }
    if (followed) wait_until_it_serves(request);
    return followed;
}

Result<std::string> migrate_now(const MigrateFlags& flags) {
    const auto request = read_request(flags);
    if (!request) return request.error();
    if (auto instance = RunningInstance::find(request->from.data))
        return follow_move(*instance, flags, *request);
    migrate::MigrationPlan plan{.to = request->from, .copy_only = flags.copy_only};
    plan.to.log = request->to.log;
    if (!request->to.kafka) plan.to.data = request->to.folder;
    std::error_code ignored;
    const bool elsewhere = std::filesystem::weakly_canonical(plan.to.data, ignored) !=
                           std::filesystem::weakly_canonical(request->from.data, ignored);
    if (elsewhere != (flags.copy_only && !request->to.kafka))
        return bus::fail(ErrorCode::invalid_input,
                         "the journal of {0} lies in {0}; a copy elsewhere is made with "
                         "--copy-only, and to another folder",
                         request->from.data.string());
    return jobs::run_in_foreground(
        [&](jobs::JobRun& run) { return migrate::migrate_offline(request->from, plan, run); });
}

int run_migrate(const MigrateFlags& flags) {
    const auto outcome = migrate_now(flags);
    const int code = print_report(outcome);
    if (code != 0 || flags.copy_only) return code;
    fmt::print(
        "next=tributary serve takes the new log from the data folder; --log is not needed\n"
        "back=tributary migrate --from {} --to {}\n",
        flags.to, flags.from);
    return 0;
}

}  // namespace

void add_migrate_command(CLI::App& program, ExitCode& exit_code) {
    auto flags = std::make_shared<MigrateFlags>();
    CLI::App* command = program.add_subcommand(
        "migrate", "move to another log engine, while it serves; offsets stay as they are");
    command->add_option("--from", flags->from, "embedded:FOLDER or kafka:HOST:PORT,...")
        ->required();
    command->add_option("--to", flags->to, "the other of the two")->required();
    command->add_option("--data", flags->data,
                        "data folder, where neither name tells it or with --copy-only");
    command->add_flag("--copy-only", flags->copy_only,
                      "copy and compare; the installation stays on its log");
    command->add_option("--kafka", flags->kafka,
                        "librdkafka property NAME=VALUE, may be repeated (ssl.ca.location=...)");
    command->add_option("--kafka-properties", flags->kafka_properties,
                        "file with such properties, one a line; for user and password");
    command
        ->add_option("--kafka-replication", flags->kafka_replication,
                     "replication factor of new topics")
        ->check(CLI::Range(1, 9))
        ->capture_default_str();
    command->add_option("--kafka-prefix", flags->kafka_prefix,
                        "put before each topic's name, where installations share a cluster");
    command->footer(
        "Example: tributary migrate --from embedded:/var/lib/tributary --to kafka:kafka1:9092");
    command->callback([flags, &exit_code] { exit_code = run_migrate(*flags); });
}

}  // namespace tools
