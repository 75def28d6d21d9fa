// backup, restore, compact: copies of an installation, and room on its disk.
#include "schemas/json/json.hpp"
#include "tools/backup/backup_folder.hpp"
#include "tools/backup/check_backup.hpp"
#include "tools/backup/compaction.hpp"
#include "tools/backup/make_backup.hpp"
#include "tools/backup/restore.hpp"
#include "tools/command.hpp"
#include "tools/jobs/foreground_job.hpp"
#include "tools/output_folder.hpp"
#include "tools/report_lines.hpp"

#include <memory>

namespace tools {
namespace {

namespace fs = std::filesystem;
using bus::Result;

// --- backup

struct BackupFlags {
    std::string data = "data";
    std::string to;
    bool with_keys = false;
    std::size_t keep = 0;
    std::string action = "make";
    std::string target;
};

std::string request_body(const BackupFlags& flags) {
    std::string body;
    schemas::json::Writer(body)
        .begin_object()
        .member("to", fs::absolute(flags.to).lexically_normal().string())
        .member("with_keys", flags.with_keys)
        .member("keep", static_cast<std::int64_t>(flags.keep))
        .end_object();
    return body;
}

Result<std::string> make_served(RunningInstance& instance, const BackupFlags& flags) {
    auto made = jobs::start_and_follow(instance, "/v1/operator/backups", request_body(flags));
    if (!made) return made;
    if (auto seen = must_be_seen_here(flags.to); !seen) return seen.error();
    return made;
}

Result<std::string> make(const BackupFlags& flags) {
    if (flags.to.empty()) return bus::fail(bus::ErrorCode::invalid_input, "where to? --to FOLDER");
    if (auto instance = RunningInstance::find(flags.data)) return make_served(*instance, flags);
    const backup::BackupOptions options{
        .to = flags.to, .with_keys = flags.with_keys, .keep = flags.keep};
    return jobs::run_in_foreground(
        [&](jobs::JobRun& run) { return backup::make_backup_offline(flags.data, options, run); });
}

int run_make(const BackupFlags& flags) {
    const int code = print_report(make(flags));
    if (code == 0 && !flags.with_keys)
        fmt::print(
            "note=admin.key and master.key are not in it. Keep master.key elsewhere: without it "
            "the secrets of sources do not open after a restore (--with-keys puts both in)\n");
    return code;
}

int list_backups(const std::string& target) {
    const auto names = backup::backups_in(target);
    if (!names) return report(names.error());
    for (const std::string& name : *names) {
        const auto manifest = backup::read_manifest(target, name);
        if (!manifest) {
            fmt::print("backup={} error={}\n", name, manifest.error().message);
            continue;
        }
        fmt::print(
            "backup={} created={} engine={} partitions={} records={} files={} bytes={} "
            "with_keys={} source={}\n",
            name, bus::to_iso(manifest->created), manifest->engine, manifest->partitions,
            manifest->records(), manifest->files.size(), manifest->bytes(), manifest->with_keys,
            manifest->source);
    }
    return 0;
}

int run_backup(const BackupFlags& flags) {
    if (flags.action == "make") return run_make(flags);
    const std::string target = flags.target.empty() ? flags.to : flags.target;
    if (target.empty())
        return report(bus::fail(bus::ErrorCode::invalid_input,
                                "which folder? tributary backup {} "
                                "FOLDER",
                                flags.action));
    if (flags.action == "list") return list_backups(target);
    return print_report(jobs::run_in_foreground(
        [&](jobs::JobRun& run) { return backup::verify_backup(target, run); }));
}

// --- restore

struct RestoreFlags {
    std::string from;
    std::string data;
    std::vector<std::string> keys;
    std::string erasures_from;
};

int run_restore(const RestoreFlags& flags) {
    backup::RestoreOptions options{
        .from = flags.from, .data = flags.data, .keys = {}, .erasures_from = {}};
    options.erasures_from = flags.erasures_from;
    options.keys.assign(flags.keys.begin(), flags.keys.end());
    const auto done =
        jobs::run_in_foreground([&](jobs::JobRun& run) { return backup::restore(options, run); });
    const int code = print_report(done);
    if (code != 0) return code;
    std::error_code ignored;
    if (!fs::exists(fs::path(flags.data) / "master.key", ignored))
        fmt::print(
            "next=copy master.key of the old installation into {} before the first start; "
            "without it the sources' secrets do not open and copies of old requests are not "
            "recognised at the door (rows stay exact)\n",
            flags.data);
    if (done->find(R"("erasures":[])") != std::string::npos && flags.erasures_from.empty())
        fmt::print(
            "next=erasures that were decided after the backup are not applied; name the newer "
            "data folder with --erasures-from\n");
    fmt::print("next=tributary serve --data {}\n", flags.data);
    return 0;
}

// --- compact

int run_compact(const std::string& data) {
    if (auto instance = RunningInstance::find(data))
        return print_report(jobs::start_and_follow(*instance, "/v1/operator/compactions", "{}"));
    return print_report(jobs::run_in_foreground(
        [&](jobs::JobRun& run) { return backup::compact_offline(data, run); }));
}

void add_data(CLI::App& command, std::string& data) {
    command.add_option("--data", data, "data folder")
        ->envname("TRIBUTARY_DATA")
        ->capture_default_str();
}

}  // namespace

void add_backup_commands(CLI::App& program, ExitCode& exit_code) {
    auto flags = std::make_shared<BackupFlags>();
    CLI::App* command = program.add_subcommand(
        "backup", "copy log and rows to a folder, while it serves; only what is new is copied");
    command->add_option("action", flags->action, "make, list or verify")
        ->check(CLI::IsMember({"make", "list", "verify"}))
        ->capture_default_str();
    command->add_option("folder", flags->target, "of list and verify: FOLDER or FOLDER/BACKUP");
    add_data(*command, flags->data);
    command->add_option("--to", flags->to, "folder for backups, made when it is not there");
    command->add_flag("--with-keys", flags->with_keys,
                      "put admin.key and master.key in as well: guard the folder like them");
    command->add_option("--keep", flags->keep, "remove the oldest beyond so many; 0 = keep all")
        ->check(CLI::Range(0, 10'000))
        ->capture_default_str();
    command->footer(
        "Example: tributary backup --data /var/lib/tributary --to backups --keep 14\n"
        "         tributary backup verify backups");
    command->callback([flags, &exit_code] { exit_code = run_backup(*flags); });

    auto from = std::make_shared<RestoreFlags>();
    CLI::App* restore =
        program.add_subcommand("restore", "make a data folder from a backup, verified first");
    restore->add_option("--from", from->from, "FOLDER (its newest backup) or FOLDER/BACKUP")
        ->required();
    restore->add_option("--data", from->data, "the new data folder: not there yet, or empty")
        ->required();
    restore->add_option("--with-keys", from->keys,
                        "files named master.key and admin.key to put into it");
    restore->add_option("--erasures-from", from->erasures_from,
                        "data folder that went on after the backup: what was decided to be erased "
                        "there is erased here by the first start");
    restore->footer(
        "Example: tributary restore --from backups --data /var/lib/tributary-2 --with-keys "
        "/root-only/master.key");
    restore->callback([from, &exit_code] { exit_code = run_restore(*from); });

    auto data = std::make_shared<std::string>("data");
    CLI::App* compact = program.add_subcommand(
        "compact", "rewrite the stores without what was replaced or deleted, while it serves");
    add_data(*compact, *data);
    compact->footer("Example: tributary compact --data /var/lib/tributary");
    compact->callback([data, &exit_code] { exit_code = run_compact(*data); });
}

}  // namespace tools
