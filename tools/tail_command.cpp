// tail: follows the log in readable form.
#include "tools/command.hpp"
#include "tools/interrupt.hpp"
#include "tools/parsed_answer.hpp"

#include <memory>

namespace tools {
namespace {

using schemas::json::Value;

struct TailOptions {
    std::string data = "data";
    std::string topic;
    std::string tenant;
    std::string source;
    std::string type;
    std::string from;
    std::size_t last = 10;
    bool follow = false;
    bool bodies = false;
    bool json = false;
};

std::string target_of(const TailOptions& options, const std::string& cursor) {
    std::string target = "/v1/operator/records?limit=200";
    target += query_part("topic", options.topic) + query_part("tenant", options.tenant);
    target += query_part("source", options.source) + query_part("type", options.type);
    if (options.bodies) target += "&bodies=true";
    if (!cursor.empty())
        return target + query_part("cursor", cursor) + (options.follow ? "&wait_ms=2000" : "");
    if (!options.from.empty()) return target + query_part("from", options.from);
    return target + fmt::format("&last={}", options.last);
}

void print_record(Value record, const TailOptions& options) {
    if (options.json) return fmt::print("{}\n", json_of(record));
    fmt::print("{} {} tenant={} source={} type={} id={} bytes={} verified={}{}{}\n",
               record["ingest_time"].text(), record["address"].text(), record["tenant"].text(),
               record["source"].text(), record["type"].text(), record["id"].text(),
               record["bytes"].scalar_text(), record["verified"].text(),
               record["expired"]  ? " expired"
               : record["erased"] ? " erased"
                                  : "",
               record["problem"] ? " problem=" + std::string(record["problem"].text()) : "");
    record["events"].each_element([](Value event) {
        fmt::print("    -> {} {}\n", event["type"].text(), event["summary"].text());
    });
    record["failures"].each_element([](Value failure) {
        fmt::print("    !! {}: {}\n", failure["path"].text(), failure["reason"].text());
    });
    if (options.bodies) fmt::print("    {}\n", record["body"].text());
}

int run_tail(const TailOptions& options) {
    auto instance = RunningInstance::find(options.data);
    if (!instance) return report(instance.error());
    watch_for_interrupt();
    std::string cursor;
    bool more = true;
    while (more && !interrupted()) {
        const auto page = ParsedAnswer::parse(instance->get(target_of(options, cursor)));
        if (!page) return report(page.error());
        const Value data = (*page)["data"];
        data.each_element([&](Value record) { print_record(record, options); });
        std::fflush(stdout);
        const std::string next((*page)["page"]["next_cursor"].text());
        // From a time on, a page may be empty because nothing in it passed the filter.
        more = options.follow || (!options.from.empty() && next != cursor);
        cursor = next;
    }
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
    command->add_option("--source", options->source, "only this source, by its slug");
    command->add_option("--type", options->type,
                        "only records of this type, or with such an event; * and ? stand for "
                        "anything, e.g. 'whatsapp.*'");
    command->add_option("--last", options->last, "how many to begin with")->capture_default_str();
    command->add_option("--from", options->from,
                        "begin with what was received then, e.g. 2026-11-21T10:00:00Z");
    command->add_flag("--follow", options->follow, "go on until interrupted");
    command->add_flag("--bodies", options->bodies, "print the bodies too (personal data)");
    command->add_flag("--json", options->json, "one JSON object a line");
    command->footer("Example: tributary tail --tenant acme --type 'whatsapp.*' --follow");
    command->callback([options, &exit_code] { exit_code = run_tail(*options); });
}

}  // namespace tools
