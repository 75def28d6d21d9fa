// tail: follows the log in readable form.
#include "tools/command.hpp"
#include "tools/running_instance.hpp"

#include <csignal>
#include <memory>

namespace tools {
namespace {

using schemas::json::Value;

struct TailOptions {
    std::string data = "data";
    std::string topic;
    std::string tenant;
    std::string type;
    std::size_t last = 10;
    bool follow = false;
    bool bodies = false;
};

volatile std::sig_atomic_t interrupted = 0;

std::string target_of(const TailOptions& options, const std::string& cursor) {
    std::string target = "/v1/operator/records?limit=200";
    if (!options.topic.empty()) target += "&topic=" + options.topic;
    if (!options.tenant.empty()) target += "&tenant=" + options.tenant;
    if (!options.type.empty()) target += "&type=" + options.type;
    if (options.bodies) target += "&bodies=true";
    target +=
        cursor.empty() ? fmt::format("&last={}", options.last) : "&wait_ms=2000&cursor=" + cursor;
    return target;
}

void print_record(Value record, bool bodies) {
    fmt::print("{} {} tenant={} source={} type={} id={} bytes={} verified={}\n",
               record["ingest_time"].text(), record["address"].text(), record["tenant"].text(),
               record["source"].text(), record["type"].text(), record["id"].text(),
               record["bytes"].scalar_text(), record["verified"].text());
    record["events"].each_element([](Value event) {
        fmt::print("    -> {} {}\n", event["type"].text(), event["summary"].text());
    });
    if (bodies) fmt::print("    {}\n", record["body"].text());
}

int run_tail(const TailOptions& options) {
    auto instance = RunningInstance::find(options.data);
    if (!instance) return report(instance.error());
    std::signal(SIGINT, [](int) { interrupted = 1; });
    std::string cursor;
    schemas::json::Parser parser;
    do {
        auto text = instance->get(target_of(options, cursor));
        if (!text) return report(text.error());
        auto page = parser.parse(
            *text, {.bytes_max = text->size() + 1, .depth_max = 64, .keys_max = 1'000'000});
        if (!page) return report(page.error());
        (*page)["data"].each_element([&](Value record) { print_record(record, options.bodies); });
        std::fflush(stdout);
        cursor = (*page)["page"]["next_cursor"].text();
    } while (options.follow && interrupted == 0);
    return 0;
}

}  // namespace

void add_tail_command(CLI::App& program, ExitCode& exit_code) {
    auto options = std::make_shared<TailOptions>();
    CLI::App* command =
        program.add_subcommand("tail", "show the newest records of the log, and follow it");
    command->add_option("--data", options->data, "data folder of the running instance")
        ->envname("TRIBUTARY_DATA")
        ->capture_default_str();
    command->add_option("--topic", options->topic, "only this topic, e.g. chat");
    command->add_option("--tenant", options->tenant, "only this tenant, by its code");
    command->add_option("--type", options->type,
                        "only records with such an event, e.g. whatsapp.*");
    command->add_option("--last", options->last, "how many to begin with")->capture_default_str();
    command->add_flag("--follow", options->follow, "go on until interrupted");
    command->add_flag("--bodies", options->bodies, "print the bodies too (personal data)");
    command->footer("Example: tributary tail --tenant acme --type 'whatsapp.*' --follow");
    command->callback([options, &exit_code] { exit_code = run_tail(*options); });
}

}  // namespace tools
