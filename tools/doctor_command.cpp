// doctor: what is configured, reachable, behind, broken, and what to do.
#include "tools/command.hpp"
#include "tools/running_instance.hpp"

#include <memory>

namespace tools {
namespace {

void print_check(std::string_view state, std::string_view name, std::string_view detail) {
    fmt::print("{:<6} {}: {}\n", state, name, detail);
}

int check_intake(RunningInstance& instance) {
    const auto ready = instance.get("/readyz");
    if (ready)
        print_check("ok", "intake", "events are taken");
    else
        print_check("broken", "intake", ready.error().message);
    return ready ? 0 : 1;
}

int print_checks(RunningInstance& instance) {
    auto text = instance.get("/v1/operator/checks");
    if (!text) return report(text.error());
    schemas::json::Parser parser;
    auto json = parser.parse(*text);
    if (!json) return report(json.error());
    int broken = 0;
    (*json)["data"].each_element([&](schemas::json::Value check) {
        const auto state = check["state"].text();
        if (state == "broken") ++broken;
        print_check(state, check["name"].text(), check["detail"].text());
        if (const auto remedy = check["remedy"].text(); !remedy.empty())
            fmt::print("       do: {}\n", remedy);
    });
    return broken == 0 ? 0 : 1;
}

int run_doctor(const std::string& data) {
    auto instance = RunningInstance::find_any(data);
    if (!instance) return report(instance.error());
    const ServingNote& note = instance->note();
    fmt::print("ok     process={} engine={} api={}{} ingress={}{}\n", note.process, note.engine,
               note.scheme(), note.api, note.scheme(), note.ingress);
    return instance->only_receives() ? check_intake(*instance) : print_checks(*instance);
}

}  // namespace

void add_doctor_command(CLI::App& program, ExitCode& exit_code) {
    auto data = std::make_shared<std::string>("data");
    CLI::App* command = program.add_subcommand(
        "doctor", "check a running instance: what is reachable, behind or broken, and what to do");
    command->add_option("--data", *data, "data folder of the running instance")
        ->envname("TRIBUTARY_DATA")
        ->capture_default_str();
    command->footer("Example: tributary doctor --data data\nExit code 1 when something is broken.");
    command->callback([data, &exit_code] { exit_code = run_doctor(*data); });
}

}  // namespace tools
