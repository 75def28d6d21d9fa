// topics, tenants, sources: what a running instance has, one key=value line each.
#include "tools/command.hpp"
#include "tools/running_instance.hpp"

#include <memory>

namespace tools {
namespace {

using schemas::json::Value;

struct ListOptions {
    std::string data = "data";
    std::string tenant;
};

void print_scalars(Value object, std::initializer_list<std::string_view> names) {
    std::string line;
    for (std::string_view name : names) {
        const auto text = object[name].scalar_text();
        if (text.empty()) continue;
        const bool plain = text.find_first_of(" \"=") == std::string::npos;
        line += fmt::format("{}{}={}", line.empty() ? "" : " ", name,
                            plain ? text : fmt::format("\"{}\"", text));
    }
    fmt::print("{}\n", line);
}

// Prints every element of `data` of every page.
int print_list(RunningInstance& instance, const std::string& target, const std::string& client_code,
               std::initializer_list<std::string_view> names) {
    std::string cursor;
    do {
        std::string page_target = target;
        if (!cursor.empty())
            page_target +=
                (target.find('?') == std::string::npos ? "?cursor=" : "&cursor=") + cursor;
        auto text = instance.get(page_target, client_code);
        if (!text) return report(text.error());
        schemas::json::Parser parser;
        auto json = parser.parse(
            *text, {.bytes_max = text->size() + 1, .depth_max = 64, .keys_max = 1'000'000});
        if (!json) return report(json.error());
        (*json)["data"].each_element([&](Value element) { print_scalars(element, names); });
        cursor = (*json)["page"]["next_cursor"].text();
    } while (!cursor.empty());
    return 0;
}

int list_topics(const ListOptions& options) {
    auto instance = RunningInstance::find(options.data);
    if (!instance) return report(instance.error());
    return print_list(*instance, "/v1/operator/topics", "",
                      {"topic", "partition", "start", "end", "records", "lag"});
}

int list_tenants(const ListOptions& options) {
    auto instance = RunningInstance::find(options.data);
    if (!instance) return report(instance.error());
    return print_list(*instance, "/api/clients", "",
                      {"code", "id", "name", "status", "country", "time_zone", "created_at"});
}

int list_sources_of(RunningInstance& instance, const std::string& code) {
    fmt::print("tenant={}\n", code);
    return print_list(instance, "/v1/sources", code,
                      {"slug", "kind", "id", "enabled", "url", "label"});
}

int list_sources(const ListOptions& options) {
    auto instance = RunningInstance::find(options.data);
    if (!instance) return report(instance.error());
    if (!options.tenant.empty()) return list_sources_of(*instance, options.tenant);
    auto text = instance->get("/api/clients");
    if (!text) return report(text.error());
    schemas::json::Parser parser;
    auto json = parser.parse(*text);
    if (!json) return report(json.error());
    int exit_code = 0;
    (*json)["data"].each_element([&](Value tenant) {
        exit_code =
            std::max(exit_code, list_sources_of(*instance, std::string(tenant["code"].text())));
    });
    return exit_code;
}

CLI::App* add(CLI::App& program, const std::string& name, const std::string& what,
              const std::shared_ptr<ListOptions>& options, ExitCode& exit_code,
              int (*run)(const ListOptions&)) {
    CLI::App* command = program.add_subcommand(name, what);
    command->add_option("--data", options->data, "data folder of the running instance")
        ->envname("TRIBUTARY_DATA")
        ->capture_default_str();
    command->footer(fmt::format("Example: tributary {} --data data", name));
    command->callback([options, &exit_code, run] { exit_code = run(*options); });
    return command;
}

}  // namespace

void add_list_commands(CLI::App& program, ExitCode& exit_code) {
    add(program, "topics",
        "first and next offset of every topic's partition, and how far the rows lag",
        std::make_shared<ListOptions>(), exit_code, list_topics);
    add(program, "tenants", "the tenants of the installation", std::make_shared<ListOptions>(),
        exit_code, list_tenants);
    auto options = std::make_shared<ListOptions>();
    add(program, "sources", "the sources of all tenants, or of one", options, exit_code,
        list_sources)
        ->add_option("--tenant", options->tenant, "only this tenant's, by its code");
}

}  // namespace tools
