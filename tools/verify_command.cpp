// verify: proves what a data folder holds, beside the process that serves it or at rest.
//
// Exit codes: 0 proven, 1 it could not be told, 2 wrong usage, 3 damaged (the list is printed).
#include "tools/command.hpp"
#include "tools/installation.hpp"
#include "tools/jobs/foreground_job.hpp"
#include "tools/verify/verify_work.hpp"

#include <memory>

namespace tools {
namespace {

constexpr int damaged = 3;

struct VerifyCommand {
    std::string data = "data";
    std::string journal;  // a folder of segments, of no installation
    std::string sample;
    bool log_only = false;
    bool full = false;
    bool json = false;
};

// A migration to Kafka leaves the journal as it was.
bus::Result<bus::Done> must_be_log_of(const std::filesystem::path& data,
                                      const std::filesystem::path& journal) {
    const auto description = read_description(data);
    if (!description) return description.error();
    if (description->engine != "embedded")
        return bus::fail(bus::ErrorCode::conflict,
                         "the log of {0} is on {1}: start tributary serve --data {0} and verify "
                         "beside it. What a migration left in the folder is verified with "
                         "--journal {2}",
                         data.string(), description->engine, journal.string());
    if (!std::filesystem::is_directory(journal))
        return bus::fail(bus::ErrorCode::not_found, "{} holds no journal", data.string());
    return bus::Done{};
}

bus::Result<std::string> verify_at_rest(const VerifyCommand& command,
                                        const verify::VerifyRequest& request) {
    const std::filesystem::path data = command.data;
    std::filesystem::path journal = command.journal;
    std::optional<FolderLock> lock;
    if (journal.empty()) {
        journal = data / "journal";
        if (auto sound = must_be_log_of(data, journal); !sound) return sound.error();
        auto taken = FolderLock::take(data);
        if (!taken) return taken.error();
        lock.emplace(std::move(*taken));
    }
    return jobs::run_in_foreground(
        [&](jobs::JobRun& run) { return verify::verify_journal_folder(journal, request, run); });
}

bus::Result<std::string> verify_somewhere(const VerifyCommand& command,
                                          const verify::VerifyRequest& request) {
    if (!command.journal.empty()) return verify_at_rest(command, request);
    auto instance = RunningInstance::find(command.data);
    if (!instance) return verify_at_rest(command, request);
    return jobs::start_and_follow(*instance, "/v1/verify", to_json(request));
}

void print_log(schemas::json::Value log) {
    fmt::print(
        "log={} records={} bodies={} erased={} expired={} unhashed={} parts={} groups={} "
        "segments={} damage={}\n",
        log["engine"].text(), log["records"].scalar_text(), log["bodies"].scalar_text(),
        log["erased"].scalar_text(), log["expired"].scalar_text(), log["unhashed"].scalar_text(),
        log["parts"].scalar_text(), log["groups"].scalar_text(), log["segments"].scalar_text(),
        log["damage_count"].scalar_text());
    log["damage"].each_element([](schemas::json::Value one) {
        fmt::print("damage where={} file={} at={} what={}\n", one["where"].text(),
                   one["file"].text(), one["at"].scalar_text(), one["what"].text());
    });
    log["remarks"].each_element(
        [](schemas::json::Value one) { fmt::print("remark {}\n", one.text()); });
}

void print_rows(schemas::json::Value rows) {
    if (!rows) {
        fmt::print("rows=not compared\n");
        return;
    }
    fmt::print("rows partitions={} of={} keys={} differences={}\n",
               rows["partitions"].scalar_text(), rows["of"].scalar_text(),
               rows["keys"].scalar_text(), rows["difference_count"].scalar_text());
    rows["bases"].each_element(
        [](schemas::json::Value one) { fmt::print("base {}\n", one.text()); });
    rows["differences"].each_element([](schemas::json::Value one) {
        fmt::print("difference partition={} projection={} generation={} table={} key={} what={}\n",
                   one["partition"].scalar_text(), one["projection"].text(),
                   one["generation"].scalar_text(), one["table"].text(), one["key"].text(),
                   one["what"].text());
    });
}

int run_verify(const VerifyCommand& command) {
    verify::VerifyRequest request;
    if (!command.sample.empty()) {
        const auto share = verify::parse_share(command.sample);
        if (!share) return report(share.error());
        request.one_in = *share;
    }
    request.log_only = command.log_only;
    const auto text = verify_somewhere(command, request);
    if (!text) return report(text.error());
    schemas::json::Parser parser;
    const auto json = parser.parse(
        *text, {.bytes_max = text->size() + 1, .depth_max = 64, .keys_max = 1'000'000});
    if (!json) return report(json.error());
    const bool proven = (*json)["proven"].boolean().value_or(false);
    if (command.json) {
        fmt::print("{}\n", *text);
    } else {
        print_log((*json)["log"]);
        print_rows((*json)["rows"]);
        fmt::print("proven={}\n", proven);
    }
    return proven ? 0 : damaged;
}

}  // namespace

void add_verify_command(CLI::App& program, ExitCode& exit_code) {
    auto options = std::make_shared<VerifyCommand>();
    CLI::App* command = program.add_subcommand(
        "verify", "prove that nothing is missing, changed or out of order; changes nothing");
    command->add_option("--data", options->data, "data folder, served or at rest")
        ->envname("TRIBUTARY_DATA")
        ->capture_default_str();
    command->add_option("--journal", options->journal,
                        "a folder of journal segments instead, such as a copy");
    auto* sample = command->add_option("--sample", options->sample,
                                       "share of the bodies that is compared with its hash, such "
                                       "as 1%; order and chain are always "
                                       "proved whole");
    command->add_flag("--log-only", options->log_only,
                      "leave the rows; always so where nobody serves the folder");
    command->add_flag("--full", options->full, "all of them (the default)")->excludes(sample);
    command->add_flag("--json", options->json, "the report as JSON");
    command->footer(
        "Exit codes: 0 proven, 1 it could not be told, 3 damaged.\n"
        "Example: tributary verify --data /var/lib/tributary --sample 10%");
    command->callback([options, &exit_code] { exit_code = run_verify(*options); });
}

}  // namespace tools
