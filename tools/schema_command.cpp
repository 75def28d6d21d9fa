// schema lint: checks provider, mapping and measure files before they are used.
#include "projections/measures/measure_definition.hpp"
#include "schemas/lint.hpp"
#include "schemas/providers/provider_file.hpp"
#include "tools/command.hpp"

#include <fstream>
#include <memory>
#include <sstream>

namespace tools {
namespace {

bus::Result<std::string> read_file(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) return bus::fail(bus::ErrorCode::not_found, "{}: cannot be read", file);
    std::ostringstream text;
    text << in.rdbuf();
    return std::move(text).str();
}

// The first key of a file says what it is.
bool begins_with_key(std::string_view text, std::string_view key) {
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        if (!line.empty() && line[0] != '#') return line.starts_with(key);
        text.remove_prefix(std::min(text.size(), line.size() + 1));
    }
    return false;
}

bus::Result<bus::Done> lint_one(const std::string& file) {
    auto text = read_file(file);
    if (!text) return text.error();
    if (begins_with_key(*text, "source:")) {
        auto provider = schemas::parse_provider_file(*text, file);
        if (!provider) return provider.error();
        return bus::Done{};
    }
    if (begins_with_key(*text, "measure:")) {
        auto measure = projections::parse_measure(*text, file);
        if (!measure) return measure.error();
        return bus::Done{};
    }
    return schemas::lint(*text, file);
}

int run_lint(const std::vector<std::string>& files) {
    int exit_code = 0;
    for (const std::string& file : files) {
        const auto linted = lint_one(file);
        if (linted)
            fmt::print("{}: ok\n", file);
        else
            exit_code = report(linted.error());
    }
    return exit_code;
}

}  // namespace

void add_schema_command(CLI::App& program, ExitCode& exit_code) {
    CLI::App* schema = program.add_subcommand("schema", "provider, mapping and measure files");
    schema->require_subcommand(1);
    auto files = std::make_shared<std::vector<std::string>>();
    CLI::App* lint =
        schema->add_subcommand("lint", "check files; a mistake is shown with line and column");
    lint->add_option("files", *files, "files to check")->required();
    lint->footer("Example: tributary schema lint my-crm.yaml");
    lint->callback([files, &exit_code] { exit_code = run_lint(*files); });
}

}  // namespace tools
