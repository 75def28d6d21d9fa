// replay: builds generations of projections beside the live ones, compares, switches, goes back.
#include "bus/text.hpp"
#include "tools/command.hpp"
#include "tools/jobs/foreground_job.hpp"
#include "tools/replay/replay_request.hpp"

#include <memory>

namespace tools {
namespace {

using replay::Reading;
using replay::ReplayRequest;
using schemas::json::Value;

struct ReplayCommand {
    std::string data = "data";
    std::vector<std::string> projections;
    std::string from, to, mapping = "live", behind;
    ReplayRequest request;
    bool rollback = false;
    bool drop = false;
    bool diff = false;
    bool json = false;
};

// "1s", "500ms", "2m"
bus::Result<bus::milliseconds> parse_duration(std::string_view text) {
    double number = 0;
    char unit[4] = {};
    if (std::sscanf(std::string{text}.c_str(), "%lf%3s", &number, unit) == 2 && number >= 0) {
        const std::string_view word{unit};
        const double factor = word == "ms" ? 1 : word == "s" ? 1'000 : word == "m" ? 60'000 : 0;
        if (factor > 0) return bus::milliseconds{static_cast<std::int64_t>(number * factor)};
    }
    return bus::fail(bus::ErrorCode::invalid_input,
                     "--switch-when-behind-less-than: '{}' is not a duration (500ms, 1s, 2m)",
                     text);
}

bus::Result<ReplayRequest> read_flags(const ReplayCommand& command) {
    ReplayRequest request = command.request;
    for (const std::string& name : command.projections)
        if (name != "all") request.projections.push_back(name);
    const auto take = [](const std::string& flag, const std::string& text,
                         std::optional<bus::Timestamp>& time) -> bus::Result<bus::Done> {
        if (text.empty()) return bus::Done{};
        const auto parsed = replay::parse_day_or_time(text);
        if (!parsed) return bus::fail(parsed.error().code, "{}: {}", flag, parsed.error().message);
        time = *parsed;
        return bus::Done{};
    };
    if (auto taken = take("--from", command.from, request.from); !taken) return taken.error();
    if (auto taken = take("--to", command.to, request.to); !taken) return taken.error();
    for (const auto reading : {Reading::live, Reading::stamped, Reading::latest})
        if (name(reading) == command.mapping) request.mapping = reading;
    if (!command.behind.empty()) {
        const auto behind = parse_duration(command.behind);
        if (!behind) return behind.error();
        request.switch_when_behind_less_than = *behind;
    }
    return request;
}

void print_counts(std::string_view projection, std::string_view table, Value counts) {
    fmt::print("projection={} table={} same={} added={} gone={} changed={}\n", projection, table,
               counts["same"].scalar_text(), counts["added"].scalar_text(),
               counts["gone"].scalar_text(), counts["changed"].scalar_text());
}

void print_examples(std::string_view what, Value examples) {
    examples.each_element([&](Value one) {
        fmt::print("  {} tenant={} key={} before={} after={}\n", what, one["tenant"].text(),
                   one["key"].text(), one["before"].text(), one["after"].text());
    });
}

void print_difference(Value compared) {
    compared["difference"].each_element([](Value one) {
        const std::string_view projection = one["projection"].text();
        for (const std::string_view table : {"rows", "entries", "index", "measures"})
            print_counts(projection, table, one[table]);
        one["fields"].each_element([&](Value field) {
            fmt::print("projection={} field={} changed={}\n", projection, field["field"].text(),
                       field["changed"].scalar_text());
            print_examples("example", field["examples"]);
        });
        print_examples("added", one["added"]);
        print_examples("gone", one["gone"]);
    });
}

void print_outcome(Value report) {
    report["generations"].each_element([](Value one) {
        fmt::print("projection={} generation={}\n", one["projection"].text(),
                   one["number"].scalar_text());
    });
    print_difference(report["compared"] ? report["compared"] : report);
    for (const std::string_view name : {"records", "seconds", "events_per_second", "switched"})
        if (report[name]) fmt::print("{}={}\n", name, report[name].scalar_text());
    report["expired"].each_element([](Value one) { fmt::print("expired {}\n", one.text()); });
    if (report["remark"]) fmt::print("remark {}\n", report["remark"].text());
    if (report["switched"].boolean() == false)
        fmt::print("next: tributary replay --resume --switch makes it live, --drop removes it\n");
}

void print_projections(Value answer) {
    answer["data"].each_element([](Value projection) {
        projection["generations"].each_element([&](Value one) {
            fmt::print("projection={} generation={} role={} bytes={}\n", projection["name"].text(),
                       one["number"].scalar_text(), one["role"].text(), one["bytes"].scalar_text());
        });
    });
}

int print(const bus::Result<std::string>& text, bool as_json,
          const std::function<void(Value)>& printer) {
    if (!text) return report(text.error());
    if (as_json) {
        fmt::print("{}\n", *text);
        return 0;
    }
    schemas::json::Parser parser;
    const auto json = parser.parse(
        *text, {.bytes_max = text->size() + 1, .depth_max = 64, .keys_max = 1'000'000});
    if (!json) return report(json.error());
    if ((*json)["plan"])
        fmt::print("{}\n", *text);
    else
        printer(*json);
    return 0;
}

// One projection's name in the path, or all; several are changed one after the other.
int change(RunningInstance& instance, const ReplayCommand& command, const std::string& verb) {
    std::vector<std::string> names = command.projections;
    if (names.empty()) names = {"all"};
    for (const std::string& name : names) {
        const auto answer = instance.call(
            "POST", "/v1/projections/" + bus::percent_encode(name) + "/" + verb, std::string{});
        if (const int failed = print(answer, command.json, print_projections)) return failed;
    }
    return 0;
}

int run_replay(const ReplayCommand& command) {
    const auto request = read_flags(command);
    if (!request) {
        (void)report(request.error());
        return 2;
    }
    auto instance = RunningInstance::find(command.data);
    if (!instance) return report(instance.error());
    if (command.rollback) return change(*instance, command, "rollback");
    if (command.drop) return change(*instance, command, "drop-old?candidates=true");
    const std::string target = command.diff ? "/v1/replays/compare" : "/v1/replays";
    return print(jobs::start_and_follow(*instance, target, replay::to_json(*request)), command.json,
                 print_outcome);
}

}  // namespace

void add_replay_command(CLI::App& program, ExitCode& exit_code) {
    auto options = std::make_shared<ReplayCommand>();
    CLI::App* command = program.add_subcommand(
        "replay", "read the log again: build projections beside the live ones, compare, switch");
    command->add_option("--data", options->data, "data folder of the running instance")
        ->envname("TRIBUTARY_DATA")
        ->capture_default_str();
    auto* projection = command->add_option("--projection", options->projections,
                                           "a projection, several times, or all (default)");
    projection->type_name("NAME");
    command->add_option("--tenant", options->request.tenant, "only the rows of this tenant (code)");
    command->add_option("--source", options->request.source,
                        "take anew only what came from this source (slug)");
    command->add_option("--from", options->from,
                        "take anew only what came since then (2026-01-31, or a time with offset)");
    command->add_option("--to", options->to, "and before then");
    command
        ->add_option("--types", options->request.types,
                     "take anew only events of these types (call.answered, call.*)")
        ->delimiter(',');
    command
        ->add_option("--mapping", options->mapping,
                     "live: as the live rows read it; stamped: as it was understood when it came; "
                     "latest: as sources are mapped now")
        ->check(CLI::IsMember({"live", "stamped", "latest"}))
        ->capture_default_str();
    command->add_option("--rate", options->request.rate, "at most so many events a second");
    command->add_flag("--dry-run", options->request.dry_run, "only say what would be done");
    command->add_flag("--resume", options->request.resume, "go on with what was stopped");
    auto* switches =
        command->add_flag("--switch", options->request.switch_over,
                          "go live when it is built; with --resume: with what is prepared");
    command->add_option("--switch-when-behind-less-than", options->behind,
                        "go live once the rows are so near the end of the log (500ms, 1s)");
    command->add_flag("--without-expired", options->request.without_expired,
                      "go live although the log has lost records: readers lose their rows");
    auto* rollback = command->add_flag("--rollback", options->rollback,
                                       "go back to the generation before the last switch");
    auto* drop = command->add_flag("--drop", options->drop,
                                   "remove generations that are retired or only prepared");
    auto* diff = command->add_flag("--diff", options->diff,
                                   "compare what is prepared with what is live once more");
    rollback->excludes(drop)->excludes(diff)->excludes(switches);
    drop->excludes(diff)->excludes(switches);
    command->add_flag("--json", options->json, "print the report as JSON");
    command->footer(
        "Examples: tributary replay --projection calls --data data\n"
        "          tributary replay --mapping latest --source ivr-main --from 2026-01-01\n"
        "          tributary replay --resume --switch, tributary replay --rollback");
    command->callback([options, &exit_code] { exit_code = run_replay(*options); });
}

}  // namespace tools
