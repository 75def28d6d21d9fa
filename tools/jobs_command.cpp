// jobs: the long jobs of a running instance.
#include "bus/text.hpp"
#include "tools/command.hpp"
#include "tools/jobs/foreground_job.hpp"

#include <memory>

namespace tools {
namespace {

using schemas::json::Value;

struct JobsOptions {
    std::string data = "data";
    std::string action = "list";
    std::string job;
};

void print_job(Value job) {
    fmt::print("{}  {:<9} {:<10} {:<24} {} {}/{} {}  {}\n", job["id"].text(), job["state"].text(),
               job["kind"].text(), job["subject"].text(), job["phase"].text(),
               job["done"].scalar_text(), job["total"].scalar_text(), job["unit"].text(),
               job["error"].text());
}

int list_jobs(RunningInstance& instance) {
    auto text = instance.get("/v1/jobs");
    if (!text) return report(text.error());
    schemas::json::Parser parser;
    auto json = parser.parse(
        *text, {.bytes_max = text->size() + 1, .depth_max = 64, .keys_max = 1'000'000});
    if (!json) return report(json.error());
    (*json)["data"].each_element(print_job);
    return 0;
}

int run_jobs(const JobsOptions& options) {
    auto instance = RunningInstance::find(options.data);
    if (!instance) return report(instance.error());
    if (options.action == "list") return list_jobs(*instance);
    if (options.job.empty())
        return report(bus::fail(bus::ErrorCode::invalid_input, "which one? tributary jobs list"));
    const std::string target = "/v1/jobs/" + bus::percent_encode(options.job);
    const auto answer = options.action == "show" ? instance->get(target)
                        : options.action == "follow"
                            ? jobs::follow_job(*instance, options.job)
                            : instance->call("POST", target + "/" + options.action, "");
    if (!answer) return report(answer.error());
    fmt::print("{}\n", *answer);
    return 0;
}

}  // namespace

void add_jobs_command(CLI::App& program, ExitCode& exit_code) {
    auto options = std::make_shared<JobsOptions>();
    CLI::App* command = program.add_subcommand("jobs", "long jobs of the running instance");
    command->add_option("action", options->action, "list, show, follow, pause, resume or cancel")
        ->check(CLI::IsMember({"list", "show", "follow", "pause", "resume", "cancel"}))
        ->capture_default_str();
    command->add_option("job", options->job, "its id, as list prints it");
    command->add_option("--data", options->data, "data folder of the running instance")
        ->envname("TRIBUTARY_DATA")
        ->capture_default_str();
    command->footer("Example: tributary jobs follow job_0123456789abc --data data");
    command->callback([options, &exit_code] { exit_code = run_jobs(*options); });
}

}  // namespace tools
