// graph: what an event came from and what it changed, as a tree.
#include "tools/command.hpp"
#include "tools/parsed_answer.hpp"

#include <memory>

namespace tools {
namespace {

using schemas::json::Value;

struct GraphOptions {
    std::string data = "data";
    std::string tenant;
    std::string event;
    bool json = false;
};

void print_node(Value node, const std::string& indent) {
    fmt::print("{}{} {}{}{}{}{}\n", indent, node["kind"].text(), node["id"].text(),
               node["label"].text().empty() ? "" : "  ", node["label"].text(),
               node["at"] ? "  at " + std::string(node["at"].text()) : "",
               node["asked"].boolean() == true ? "  <- asked" : "");
    if (node["kind"].text() == "request")
        fmt::print("{}  record {}\n", indent, node["address"].text());
    if (node["more"].boolean() == true) fmt::print("{}  not all below it is shown\n", indent);
    node["children"].each_element([&](Value child) { print_node(child, indent + "    "); });
}

int run_graph(const GraphOptions& options) {
    auto instance = RunningInstance::find(options.data);
    if (!instance) return report(instance.error());
    const auto answer = ParsedAnswer::parse(instance->get(
        "/v1/events/" + bus::percent_encode(options.event) + "/graph", options.tenant));
    if (!answer) return report(answer.error());
    if (options.json)
        fmt::print("{}\n", answer->text());
    else
        print_node((*answer)["graph"], "");
    return 0;
}

}  // namespace

void add_graph_command(CLI::App& program, ExitCode& exit_code) {
    auto options = std::make_shared<GraphOptions>();
    CLI::App* command =
        program.add_subcommand("graph", "what an event came from and what it changed");
    command->add_option("event", options->event, "the id of an event or of a request")->required();
    command->add_option("--tenant", options->tenant, "whose, by its code")->required();
    command->add_option("--data", options->data, "data folder of the running instance")
        ->envname("TRIBUTARY_DATA")
        ->capture_default_str();
    command->add_flag("--json", options->json, "the answer as JSON");
    command->footer("Example: tributary graph 019a2b3c-0000-7000-8000-000000000001 --tenant acme");
    command->callback([options, &exit_code] { exit_code = run_graph(*options); });
}

}  // namespace tools
