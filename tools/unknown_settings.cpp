#include "tools/unknown_settings.hpp"

#include <set>
#include <string_view>

namespace tools {
namespace {

constexpr std::string_view ours = "TRIBUTARY_";

// What bus/crash_point.hpp and bus/kafka/producer.cpp read, so that tests can let them fail.
std::set<std::string, std::less<>> known_names(const CLI::App& program) {
    std::set<std::string, std::less<>> names{"TRIBUTARY_CRASH_AT", "TRIBUTARY_KAFKA_FATAL_EVERY"};
    for (const CLI::App* command : program.get_subcommands([](const CLI::App*) { return true; }))
        for (const CLI::Option* option : command->get_options())
            names.insert(option->get_envname());
    return names;
}

}  // namespace

std::vector<std::string> unknown_settings(const CLI::App& program, const char* const* environment) {
    const auto known = known_names(program);
    std::vector<std::string> unknown;
    for (; *environment; ++environment) {
        const std::string_view variable = *environment;
        const std::string_view name = variable.substr(0, variable.find('='));
        if (name.starts_with(ours) && !known.contains(name)) unknown.emplace_back(name);
    }
    return unknown;
}

}  // namespace tools
