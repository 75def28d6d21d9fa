// dump: any stored record, frame or row in readable form.
#include "bus/embedded/journal_dump.hpp"
#include "bus/text.hpp"
#include "projections/store/store_dump.hpp"
#include "tools/command.hpp"
#include "tools/running_instance.hpp"

#include <memory>

namespace tools {
namespace {

struct DumpOptions {
    std::string data = "data";
    std::string subject;  // an address, a segment file, or a store folder
    std::string prefix;
    std::size_t limit = 1000;
};

int dump_record(const DumpOptions& options) {
    auto instance = RunningInstance::find(options.data);
    if (!instance) return report(instance.error());
    auto text =
        instance->get("/v1/operator/record?address=" + bus::percent_encode(options.subject));
    if (!text) return report(text.error());
    fmt::print("{}\n", *text);
    return 0;
}

int dump_segment(const DumpOptions& options) {
    const auto dumped = bus::embedded::dump_segment(
        options.subject, {}, [](std::string_view line) { fmt::print("{}\n", line); });
    return dumped ? 0 : report(dumped.error());
}

int dump_rows(const DumpOptions& options) {
    const auto dumped =
        projections::store::dump_store(options.subject, options.prefix, options.limit,
                                       [](std::string_view line) { fmt::print("{}\n", line); });
    return dumped ? 0 : report(dumped.error());
}

}  // namespace

void add_dump_command(CLI::App& program, ExitCode& exit_code) {
    CLI::App* dump = program.add_subcommand("dump", "print stored records, frames and rows");
    dump->require_subcommand(1);
    const auto add = [&](const std::string& name, const std::string& what,
                         const std::string& subject, const std::string& example,
                         int (*run)(const DumpOptions&)) {
        auto options = std::make_shared<DumpOptions>();
        CLI::App* command = dump->add_subcommand(name, what);
        command->add_option("subject", options->subject, subject)->required();
        command->footer("Example: tributary dump " + example);
        command->callback([options, run, &exit_code] { exit_code = run(*options); });
        return std::pair{command, options};
    };
    auto [record, record_options] =
        add("record", "one record of a running instance's log", "address, e.g. chat/3/4711",
            "record chat/3/4711 --data data", dump_record);
    record->add_option("--data", record_options->data, "data folder of the running instance")
        ->envname("TRIBUTARY_DATA")
        ->capture_default_str();
    add("frames", "the frames of a journal segment, read from the file", "segment file",
        "frames data/journal/<segment>", dump_segment);
    auto [rows, rows_options] =
        add("rows", "the rows of a store that no process has open", "store folder",
            "rows data/stores/partition-0 --limit 20", dump_rows);
    rows->add_option("--prefix", rows_options->prefix,
                     "only keys that start with these hex digits");
    rows->add_option("--limit", rows_options->limit, "at most so many")->capture_default_str();
}

}  // namespace tools
