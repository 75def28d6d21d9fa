// export: what a tenant or one customer has, as a folder of files.
#include "bus/text.hpp"
#include "tools/command.hpp"
#include "tools/jobs/foreground_job.hpp"
#include "tools/output_folder.hpp"

#include <memory>

namespace tools {
namespace {

struct ExportOptions {
    std::string data = "data";
    std::string tenant, customer, from, to, out;
    std::string format = "ndjson";
    bool restart = false;
};

std::string body_of(const ExportOptions& options) {
    std::string body;
    schemas::json::Writer json(body);
    json.begin_object().member("out", std::filesystem::absolute(options.out).string());
    json.member("format", options.format).member("continue", options.restart);
    if (!options.from.empty()) json.member("from", options.from);
    if (!options.to.empty()) json.member("to", options.to);
    json.end_object();
    return body;
}

bus::Result<std::string> start(RunningInstance& instance, const ExportOptions& options) {
    if (options.customer.empty())
        return instance.call("POST",
                             "/v1/tenants/" + bus::percent_encode(options.tenant) + "/export",
                             body_of(options));
    return instance.call("POST",
                         "/v1/customers/" + bus::percent_encode(options.customer) + "/export",
                         body_of(options), options.tenant);
}

int run_export_command(const ExportOptions& options) {
    auto instance = RunningInstance::find(options.data);
    if (!instance) return report(instance.error());
    const auto started = start(*instance, options);
    if (!started) return report(started.error());
    schemas::json::Parser parser;
    const auto job = parser.parse(*started);
    if (!job) return report(job.error());
    const std::string id((*job)["id"].text());
    const auto done = jobs::follow_job(*instance, id);
    if (!done) return report(done.error());
    if (auto seen = must_be_seen_here(options.out); !seen) return report(seen.error());
    fmt::print("{}\n", *done);
    return 0;
}

}  // namespace

void add_export_command(CLI::App& program, ExitCode& exit_code) {
    auto options = std::make_shared<ExportOptions>();
    CLI::App* command = program.add_subcommand(
        "export", "write what a tenant or a customer has to a folder, with hashes");
    command->add_option("--tenant", options->tenant, "code of the tenant")->required();
    command->add_option("--customer", options->customer,
                        "only this customer: phone number, mail address, any key");
    command->add_option("--from", options->from,
                        "records from this time on, as 2026-01-01T00:00:00Z");
    command->add_option("--to", options->to, "records before this time");
    command->add_option("--format", options->format, "ndjson, or csv: events and rows as CSV too")
        ->check(CLI::IsMember({"ndjson", "csv"}))
        ->capture_default_str();
    command->add_option("--out", options->out, "folder to make; must be empty or not there")
        ->required();
    command->add_flag("--continue", options->restart,
                      "an export into this folder was cut off: begin it anew");
    command->add_option("--data", options->data, "data folder of the running instance")
        ->envname("TRIBUTARY_DATA")
        ->capture_default_str();
    command->footer(
        "manifest.json has the hash of every file and the position at which it was taken.\n"
        "Example: tributary export --tenant acme --out exports/acme-2026\n"
        "Example: tributary export --tenant acme --customer +919900000001 --format csv --out one");
    command->callback([options, &exit_code] { exit_code = run_export_command(*options); });
}

}  // namespace tools
