// dead-letters: what could not be mapped, what a mended mapping would make of it, and setting
// aside.
#include "bus/text.hpp"
#include "tools/command.hpp"
#include "tools/jobs/foreground_job.hpp"
#include "tools/parsed_answer.hpp"

#include <memory>

namespace tools {
namespace {

using schemas::json::Value;
using schemas::json::Writer;

struct DeadLetterOptions {
    std::string data = "data";
    std::string tenant;
    std::string action = "list";
    std::vector<std::string> ids;
    std::string status;
    std::string source;
    std::string from;
    std::string to;
    std::string reason;
    std::size_t limit = 50;
    bool all = false;
    bool dry_run = false;
    bool switch_over = false;
    bool without_expired = false;
    bool commit = false;
    bool json = false;
};

bus::Error wrong(std::string_view message) {
    return bus::fail(bus::ErrorCode::invalid_input, "{}", message);
}

void print_letter(Value letter) {
    fmt::print("{} {} source={} address={} status={} {}: {}\n", letter["at"].text(),
               letter["id"].text(), letter["source"].text(), letter["address"].text(),
               letter["status"].text(), letter["path"].text(), letter["reason"].text());
}

int list(RunningInstance& instance, const DeadLetterOptions& options) {
    const std::string target = fmt::format("/v1/quarantine?limit={}", options.limit) +
                               query_part("status", options.status) +
                               query_part("source", options.source) +
                               query_part("from", options.from) + query_part("to", options.to);
    const auto page = ParsedAnswer::parse(instance.get(target, options.tenant));
    if (!page) return report(page.error());
    if (options.json) {
        fmt::print("{}\n", page->text());
        return 0;
    }
    (*page)["data"].each_element(print_letter);
    fmt::print("shown={} total={}\n", (*page)["data"].size(),
               (*page)["page"]["total"].scalar_text());
    return 0;
}

int show(RunningInstance& instance, const DeadLetterOptions& options) {
    for (const std::string& id : options.ids) {
        const auto letter = ParsedAnswer::parse(
            instance.get("/v1/quarantine/" + bus::percent_encode(id), options.tenant));
        if (!letter) return report(letter.error());
        if (options.json) {
            fmt::print("{}\n", letter->text());
            continue;
        }
        print_letter(letter->root());
        if ((*letter)["discarded_at"])
            fmt::print("    discarded at {} by {}\n", (*letter)["discarded_at"].text(),
                       (*letter)["discarded_by"].text());
        fmt::print("    its record: tributary get {}\n", (*letter)["address"].text());
    }
    return 0;
}

// --- discard

bus::Result<std::string> discard_one(RunningInstance& instance, const DeadLetterOptions& options,
                                     const std::string& id) {
    std::string body;
    Writer(body).begin_object().member("reason", options.reason).end_object();
    return instance.call("POST", "/v1/quarantine/" + bus::percent_encode(id) + "/discard", body,
                         options.tenant);
}

int discard(RunningInstance& instance, const DeadLetterOptions& options) {
    for (const std::string& id : options.ids) {
        const auto letter = ParsedAnswer::parse(
            options.commit
                ? discard_one(instance, options, id)
                : instance.get("/v1/quarantine/" + bus::percent_encode(id), options.tenant));
        if (!letter) return report(letter.error());
        fmt::print("{}", options.commit ? "discarded " : "would discard ");
        print_letter(letter->root());
    }
    if (!options.commit) fmt::print("nothing is changed; add --commit\n");
    return 0;
}

// --- replay

void print_trial(Value trial) {
    fmt::print("{} {} address={} events={}", trial["dead_letter"].text(),
               trial["mended"].boolean() == true ? "mended" : "fails", trial["address"].text(),
               trial["events"].kind() == schemas::json::Kind::array
                   ? std::to_string(trial["events"].size())
                   : trial["events"].scalar_text());
    if (trial["mapping_changed"].boolean() == false) fmt::print(" (its mapping is the newest)");
    fmt::print("{}\n", trial["problem"] ? ": " + std::string(trial["problem"].text()) : "");
    trial["events"].each_element([](Value event) {
        fmt::print("    -> {} {} at {}\n", event["type"].text(), event["id"].text(),
                   event["time"].text());
    });
    trial["failures"].each_element([](Value failure) {
        fmt::print("    !! {}: {}\n", failure["path"].text(), failure["reason"].text());
    });
}

int try_each(RunningInstance& instance, const DeadLetterOptions& options) {
    for (const std::string& id : options.ids) {
        const auto trial = ParsedAnswer::parse(
            instance.call("POST", "/v1/quarantine/" + bus::percent_encode(id) + "/replay",
                          R"({"dry_run":true})", options.tenant));
        if (!trial) return report(trial.error());
        if (options.json)
            fmt::print("{}\n", trial->text());
        else
            print_trial(trial->root());
    }
    return 0;
}

std::string bulk_body(const DeadLetterOptions& options) {
    std::string body;
    Writer writer{body};
    writer.begin_object().member("dry_run", options.dry_run);
    writer.member("switch", options.switch_over);
    writer.member("without_expired", options.without_expired);
    if (!options.source.empty()) writer.member("source", options.source);
    if (!options.from.empty()) writer.member("from", options.from);
    if (!options.to.empty()) writer.member("to", options.to);
    writer.end_object();
    return body;
}

int try_all(RunningInstance& instance, const DeadLetterOptions& options) {
    const auto answer = ParsedAnswer::parse(
        instance.call("POST", "/v1/quarantine/bulk-replay", bulk_body(options), options.tenant));
    if (!answer) return report(answer.error());
    if (options.json) {
        fmt::print("{}\n", answer->text());
        return 0;
    }
    (*answer)["data"].each_element(print_trial);
    (*answer)["remaining"].each_element([](Value reason) {
        fmt::print("remaining {} x {}\n", reason["count"].scalar_text(), reason["reason"].text());
    });
    fmt::print("examined={} more={} mended={} events={}\n", (*answer)["examined"].scalar_text(),
               (*answer)["more"].scalar_text(), (*answer)["mended"].scalar_text(),
               (*answer)["events"].scalar_text());
    return 0;
}

// Starts the job and follows it to its end.
int mend(RunningInstance& instance, const DeadLetterOptions& options, const std::string& target,
         const std::string& body) {
    const auto started = ParsedAnswer::parse(instance.call("POST", target, body, options.tenant));
    if (!started) return report(started.error());
    const auto done =
        ParsedAnswer::parse(jobs::follow_job(instance, std::string((*started)["id"].text())));
    if (!done) return report(done.error());
    if (options.json) {
        fmt::print("{}\n", done->text());
        return 0;
    }
    const Value spec = (*done)["spec"];
    fmt::print("source={} from={} to={} switched={}\n", spec["source"].scalar_text(),
               spec["from"].scalar_text(), spec["to"].scalar_text(),
               (*done)["switched"].scalar_text());
    if ((*done)["switched"].boolean() != true)
        fmt::print(
            "next: tributary replay --diff shows the difference, --resume --switch makes it "
            "live, --drop removes it\n");
    return 0;
}

int replay(RunningInstance& instance, const DeadLetterOptions& options) {
    if (options.all && options.dry_run) return try_all(instance, options);
    if (options.all)
        return mend(instance, options, "/v1/quarantine/bulk-replay", bulk_body(options));
    if (options.dry_run) return try_each(instance, options);
    if (options.ids.size() > 1)
        return report(wrong("one at a time, or --all with --source, --from and --to"));
    const std::string body = fmt::format(R"({{"switch":{},"without_expired":{}}})",
                                         options.switch_over, options.without_expired);
    return mend(instance, options,
                "/v1/quarantine/" + bus::percent_encode(options.ids.front()) + "/replay", body);
}

int run_dead_letters(const DeadLetterOptions& options) {
    const bool needs_ids = options.action != "list" && !(options.action == "replay" && options.all);
    if (needs_ids && options.ids.empty())
        return report(wrong("which one? tributary dead-letters list prints their ids"));
    auto instance = RunningInstance::find(options.data);
    if (!instance) return report(instance.error());
    if (options.action == "list") return list(*instance, options);
    if (options.action == "show") return show(*instance, options);
    if (options.action == "discard") return discard(*instance, options);
    return replay(*instance, options);
}

}  // namespace

void add_dead_letters_command(CLI::App& program, ExitCode& exit_code) {
    auto options = std::make_shared<DeadLetterOptions>();
    CLI::App* command = program.add_subcommand(
        "dead-letters", "what could not be mapped: list, show, replay after a fix, discard");
    command->add_option("action", options->action, "list, show, replay or discard")
        ->check(CLI::IsMember({"list", "show", "replay", "discard"}))
        ->capture_default_str();
    command->add_option("id", options->ids, "their ids, as list prints them");
    command->add_option("--tenant", options->tenant, "whose, by its code")->required();
    command->add_option("--data", options->data, "data folder of the running instance")
        ->envname("TRIBUTARY_DATA")
        ->capture_default_str();
    command->add_option("--status", options->status, "list: open (default) or discarded")
        ->check(CLI::IsMember({"open", "discarded"}));
    command->add_option("--source", options->source, "list, replay --all: only of this source");
    command->add_option("--from", options->from,
                        "received then or later, e.g. 2026-11-21T00:00:00Z");
    command->add_option("--to", options->to, "received earlier than then");
    command->add_option("--limit", options->limit, "list: how many")->capture_default_str();
    command->add_flag("--all", options->all, "replay: the newest of all that the filters leave");
    command->add_flag("--dry-run", options->dry_run,
                      "replay: only show what the source's newest mapping makes of them");
    command->add_flag("--switch", options->switch_over,
                      "replay: make the tenant's rows with the mended ones live when built");
    command->add_flag("--without-expired", options->without_expired,
                      "replay --switch: go live although the log has lost records: readers lose "
                      "their rows");
    command->add_option("--reason", options->reason, "discard: why, kept with the fact");
    command->add_flag("--commit", options->commit, "discard: do it; without it, only the plan");
    command->add_flag("--json", options->json, "answers as JSON");
    command->footer(
        "Example: tributary dead-letters list --tenant acme\n"
        "         tributary dead-letters replay --all --source ivr-main --dry-run --tenant acme\n"
        "         tributary dead-letters replay --all --source ivr-main --switch --tenant acme\n"
        "         tributary dead-letters discard dead_0123 --tenant acme --reason test --commit");
    command->callback([options, &exit_code] { exit_code = run_dead_letters(*options); });
}

}  // namespace tools
