// retention: how long the bodies of raw records are kept, and taking out what has expired.
//
// Asks the process that serves the folder. Prints its plan; acts only with --commit. Exit codes: 0
// done, 1 it did not work, 2 wrong usage.
#include "tools/command.hpp"
#include "tools/jobs/foreground_job.hpp"
#include "tools/report_lines.hpp"
#include "tools/retention/retention_settings.hpp"

#include <memory>

namespace tools {
namespace {

struct RetentionCommand {
    std::string data = "data";
    std::string topic;
    int days = 0;
    std::string keep;  // "365d", "forever"
    std::string older_than;
    bool commit = false;
    bool dry_run = false;
    bool trust_clock = false;
};

int run_show(const RetentionCommand& command) {
    auto instance = RunningInstance::find(command.data);
    if (!instance) return report(instance.error());
    return print_report(instance->get("/v1/retention"));
}

int run_set(const RetentionCommand& command) {
    const std::string keep = command.keep.empty() ? fmt::format("{}d", command.days) : command.keep;
    if (auto topic = retention::parse_limited_topic(command.topic); !topic)
        return report(topic.error()), 2;
    if (keep != "forever")
        if (auto age = retention::parse_age(keep); !age) return report(age.error()), 2;
    if (!command.commit) {
        fmt::print("topic={} keep={}\nnothing was changed; to set it, add --commit\n",
                   command.topic, keep);
        return 0;
    }
    auto instance = RunningInstance::find(command.data);
    if (!instance) return report(instance.error());
    std::string body;
    schemas::json::Writer(body)
        .begin_object()
        .member("topic", command.topic)
        .member("keep", keep)
        .end_object();
    return print_report(instance->call("PUT", "/v1/retention", body));
}

int run_apply(const RetentionCommand& command) {
    auto instance = RunningInstance::find(command.data);
    if (!instance) return report(instance.error());
    std::string body;
    schemas::json::Writer(body)
        .begin_object()
        .member("commit", command.commit)
        .member("topic", command.topic)
        .member("older_than", command.older_than)
        .member("trust_clock", command.trust_clock)
        .end_object();
    const int exit_code = print_report(jobs::start_and_follow(*instance, "/v1/retention", body));
    if (exit_code == 0 && !command.commit)
        fmt::print("nothing was changed; to take these bodies out for good, add --commit\n");
    return exit_code;
}

void add_common(CLI::App* command, const std::shared_ptr<RetentionCommand>& options) {
    command->add_option("--data", options->data, "data folder of the running instance")
        ->envname("TRIBUTARY_DATA")
        ->capture_default_str();
}

void add_set(CLI::App& parent, const std::shared_ptr<RetentionCommand>& options,
             ExitCode& exit_code) {
    CLI::App* set = parent.add_subcommand("set", "keep the records of a topic for a time");
    set->add_option("--topic", options->topic, "such as chat")->required();
    auto* days =
        set->add_option("--days", options->days, "how many days")->check(CLI::Range(1, 36'500));
    auto* keep =
        set->add_option("--keep", options->keep, "instead: 12h, 30m, 90s, 365d, or forever")
            ->excludes(days);
    set->add_flag("--commit", options->commit, "do it; else it only says what it would");
    add_common(set, options);
    set->footer("Example: tributary retention set --topic chat --days 365 --commit");
    set->callback([options, &exit_code, days, keep] {
        if (days->count() + keep->count() == 0) throw CLI::RequiredError("--days or --keep");
        exit_code = run_set(*options);
    });
}

void add_apply(CLI::App& parent, const std::shared_ptr<RetentionCommand>& options,
               ExitCode& exit_code) {
    CLI::App* apply = parent.add_subcommand(
        "apply", "take out what has expired; the serving process does so once a day");
    apply->add_option("--topic", options->topic, "only this topic");
    apply->add_option("--older-than", options->older_than,
                      "another limit for this once, such as 30d or 2s");
    auto* commit = apply->add_flag("--commit", options->commit, "do it; there is no way back");
    apply->add_flag("--dry-run", options->dry_run, "only count (the default)")->excludes(commit);
    apply
        ->add_flag("--trust-clock", options->trust_clock,
                   "the machine's clock is right although it has jumped ahead, over which expiry "
                   "pauses")
        ->needs(commit);
    add_common(apply, options);
    apply->footer("Example: tributary retention apply --commit --data /var/lib/tributary");
    apply->callback([options, &exit_code] { exit_code = run_apply(*options); });
}

}  // namespace

void add_retention_command(CLI::App& program, ExitCode& exit_code) {
    auto options = std::make_shared<RetentionCommand>();
    CLI::App* command = program.add_subcommand(
        "retention", "how long the bodies of raw records are kept (by default for ever)");
    command->require_subcommand(1);
    CLI::App* show = command->add_subcommand("show", "the limit of each topic");
    add_common(show, options);
    show->footer("Example: tributary retention show --data /var/lib/tributary");
    show->callback([options, &exit_code] { exit_code = run_show(*options); });
    add_set(*command, options, exit_code);
    add_apply(*command, options, exit_code);
    command->footer(
        "Rows stay as they are; what made them is kept as a base, from which rebuilding begins.\n"
        "Example: tributary retention set --topic chat --days 365 --commit\n"
        "         tributary retention apply --topic chat");
}

}  // namespace tools
