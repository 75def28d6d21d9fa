// import: the past of a source, from files.
#include "bus/text.hpp"
#include "schemas/providers/built_in.hpp"
#include "tools/command.hpp"
#include "tools/import/import_export.hpp"
#include "tools/jobs/foreground_job.hpp"

#include <algorithm>
#include <memory>

namespace tools {
namespace {

using bus::Result;
using schemas::import_formats::JsonListFormat;

constexpr std::string_view export_format = "tributary";

struct ImportCommand {
    std::string data = "data";
    std::vector<std::string> files;
    std::string delimiter;
    import::ImportOptions options;
};

// The layouts of the providers' exports, and plain JSON: documents or lists of them.
Result<std::vector<JsonListFormat>> known_lists(std::string_view kind, std::string& of_kind) {
    std::vector<JsonListFormat> formats{{.name = "json"}};
    of_kind = "json";
    auto providers = schemas::built_in_providers();
    if (!providers) return providers.error();
    for (const schemas::ProviderKind& provider : *providers) {
        for (const schemas::ExportLayout& layout : provider.exports) {
            formats.push_back({layout.name, layout.list, layout.item, layout.wrap});
            if (provider.kind == kind) of_kind = layout.name;
        }
    }
    return formats;
}

// What can be wrong before the first byte is read, and what `auto` has to know.
Result<bus::Done> prepare(RunningInstance& instance, import::ImportOptions& options) {
    auto source =
        instance.get("/v1/sources/" + bus::percent_encode(options.source), options.tenant);
    if (!source) return source.error();
    schemas::json::Parser parser;
    auto json = parser.parse(*source);
    if (!json) return json.error();
    auto lists = known_lists((*json)["kind"].text(), options.open.json_list_of_source);
    if (!lists) return lists.error();
    options.open.json_lists = *std::move(lists);
    return bus::Done{};
}

bool is_export(const ImportCommand& command, const std::string& file) {
    const std::string& format = command.options.open.format;
    return format == export_format || (format == "auto" && import::is_export_folder(file));
}

Result<std::string> import_one(const ImportCommand& command, const std::string& file,
                               jobs::JobRun& run) {
    if (is_export(command, file)) return import::import_export(file, command.options, run);
    auto imported = import::import_file(file, command.options, run);
    if (!imported) return imported.error();
    return to_json(*imported);
}

int run_import(ImportCommand& command) {
    if (command.delimiter == "\\t") command.delimiter = "\t";
    if (command.delimiter.size() > 1)
        return report(bus::fail(bus::ErrorCode::invalid_input, "--delimiter is one character"));
    import::ImportOptions& options = command.options;
    options.open.delimiter = command.delimiter.empty() ? '\0' : command.delimiter[0];
    options.data = command.data;
    auto instance = RunningInstance::find(command.data);
    if (!instance) return report(instance.error());
    const bool exports_only =
        std::all_of(command.files.begin(), command.files.end(),
                    [&](const std::string& file) { return is_export(command, file); });
    if (!exports_only && options.source.empty())
        return report(bus::fail(bus::ErrorCode::invalid_input,
                                "--source SLUG: which source takes them? tributary sources"));
    if (!exports_only)
        if (auto prepared = prepare(*instance, options); !prepared) return report(prepared.error());
    int exit_code = 0;
    for (const std::string& file : command.files) {
        const auto done = jobs::run_in_foreground(
            [&](jobs::JobRun& run) { return import_one(command, file, run); });
        if (done) {
            fmt::print("{}\n", *done);
            continue;
        }
        exit_code = report(done.error());
        if (done.error().code == bus::ErrorCode::cancelled) break;
    }
    return exit_code;
}

}  // namespace

void add_import_command(CLI::App& program, ExitCode& exit_code) {
    auto options = std::make_shared<ImportCommand>();
    CLI::App* command = program.add_subcommand(
        "import", "bring the past into a source, from files; a second run adds nothing");
    command->add_option("files", options->files, "files, maildirs, directories with .eml files")
        ->required();
    command->add_option("--tenant", options->options.tenant, "code of the tenant")->required();
    command->add_option("--source", options->options.source,
                        "slug of the source that takes them; not for another Tributary's export");
    command
        ->add_option("--format", options->options.open.format,
                     "auto, ndjson, records, csv, mbox, mail, maildir, json, tributary, or a "
                     "provider's export "
                     "(the error for an unknown one lists them)")
        ->capture_default_str();
    command->add_option("--delimiter", options->delimiter,
                        "of CSV; default: as the header row has");
    command->add_flag("--dry-run", options->options.dry_run, "say what would be, change nothing");
    command->add_flag("--keep-all", options->options.keep_all,
                      "store also what cannot be mapped; it becomes dead letters");
    command->add_option("--data", options->data, "data folder of the running instance")
        ->envname("TRIBUTARY_DATA")
        ->capture_default_str();
    command->footer(
        "What is refused goes to FILE.refused.ndjson with the reason; mend it and import that "
        "file.\n"
        "A run that was stopped goes on where it was (FILE.import-state).\n"
        "Example: tributary import --tenant acme --source acme-mail archive.mbox\n"
        "Example: tributary import --tenant acme --source ivr-main --dry-run calls-2025.csv\n"
        "Example: tributary import --tenant acme --format tributary exports/acme-2026");
    command->callback([options, &exit_code] { exit_code = run_import(*options); });
}

}  // namespace tools
