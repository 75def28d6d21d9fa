// doctor: what is configured, reachable, behind, broken, and what to do.
#include "tools/command.hpp"
#include "tools/running_instance.hpp"

#include <memory>

namespace tools {
namespace {

int run_doctor(const std::string& data) {
    auto instance = RunningInstance::find(data);
    if (!instance) return report(instance.error());
    const ServingNote& note = instance->note();
    fmt::print("ok     process={} engine={} api={}{} ingress={}{}\n", note.process, note.engine,
               note.scheme(), note.api, note.scheme(), note.ingress);
    auto text = instance->get("/v1/operator/checks");
    if (!text) return report(text.error());
    schemas::json::Parser parser;
    auto json = parser.parse(*text);
    if (!json) return report(json.error());
    int broken = 0;
    (*json)["data"].each_element([&](schemas::json::Value check) {
        const auto state = check["state"].text();
        if (state == "broken") ++broken;
        fmt::print("{:<6} {}: {}\n", state, check["name"].text(), check["detail"].text());
        if (const auto remedy = check["remedy"].text(); !remedy.empty())
            fmt::print("       do: {}\n", remedy);
    });
    return broken == 0 ? 0 : 1;
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
