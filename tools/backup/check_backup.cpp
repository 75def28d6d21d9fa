#include "tools/backup/check_backup.hpp"

#include "bus/embedded/journal_survey.hpp"
#include "bus/existing_files.hpp"
#include "bus/text.hpp"
#include "projections/store/store_check.hpp"
#include "schemas/json/json.hpp"
#include "tools/backup/backup_folder.hpp"

#include <cstdlib>

namespace tools::backup {

namespace fs = std::filesystem;
using bus::Done;
using bus::ErrorCode;
using bus::Result;

namespace {

class ScratchFolder {
public:
    ScratchFolder() : path_((fs::temp_directory_path() / "tributary-XXXXXX").string()) {
        made_ = ::mkdtemp(path_.data()) != nullptr;
    }
    ~ScratchFolder() {
        if (made_) (void)remove_tree(path_);
    }
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
    fs::path path() const { return path_; }
    bool made() const { return made_; }

private:
    std::string path_;
    bool made_ = false;
};

std::string where_of(const ChosenBackup& backup) {
    return (backup.folder / backup.manifest.name).string();
}

Result<Done> prove_journal(const ChosenBackup& backup, jobs::JobRun& run) {
    std::vector<fs::path> files;
    std::uint64_t bytes = 0;
    for (const BackedUpFile& file : backup.manifest.files) {
        if (!file.name.starts_with("journal/")) continue;
        files.push_back(pool_file(backup.folder, file.sha256));
        bytes += file.bytes;
    }
    run.phase("journal", bytes, "bytes");
    const auto proven = bus::embedded::prove_segments(files, backup.manifest.journal_next_sequence,
                                                      [&](std::uint64_t done) {
                                                          run.advance(done);
                                                          return run.go_on();
                                                      });
    if (!proven) return proven.error();
    if (bus::to_hex(bus::embedded::view(proven->chain)) != backup.manifest.journal_chain)
        return bus::fail(ErrorCode::corrupt, "{}: the chain of the journal is not the manifest's",
                         where_of(backup));
    const bus::Slots slots(backup.manifest.partitions);
    for (const BackedUpPartition& one : backup.manifest.ends) {
        if (!slots.contains(one.where) || proven->ends[slots[one.where]] != one.end)
            return bus::fail(ErrorCode::corrupt, "{}: {}/{} does not end at {}", where_of(backup),
                             bus::short_name(one.where.topic), one.where.partition, one.end);
    }
    return Done{};
}

// The pool has no folders: links give a store its own again.
Result<Done> link_store(const ChosenBackup& backup, bus::PartitionId partition,
                        const fs::path& folder) {
    const std::string prefix = fmt::format("stores/partition-{}/", partition);
    for (const BackedUpFile& file : backup.manifest.files) {
        if (!file.name.starts_with(prefix)) continue;
        const fs::path to = folder / file.name.substr(prefix.size());
        if (auto made = make_directories(to.parent_path()); !made) return made;
        std::error_code failed;
        fs::create_symlink(fs::absolute(pool_file(backup.folder, file.sha256)), to, failed);
        if (failed)
            return bus::fail(ErrorCode::unavailable, "{}: {}", to.string(), failed.message());
    }
    return Done{};
}

Result<Done> check_stores(const ChosenBackup& backup, jobs::JobRun& run) {
    run.phase("stores", backup.manifest.stores.size(), "stores");
    const ScratchFolder scratch;
    if (!scratch.made())
        return bus::fail(ErrorCode::unavailable, "no temporary folder can be made");
    for (const bus::Position& checkpoint : backup.manifest.stores) {
        if (!run.go_on()) return bus::fail(ErrorCode::cancelled, "stopped on request");
        const fs::path folder = scratch.path() / std::to_string(checkpoint.partition);
        if (auto linked = link_store(backup, checkpoint.partition, folder); !linked) return linked;
        const auto found = projections::store::check_store(folder, checkpoint.partition, true);
        if (!found)
            return bus::fail(ErrorCode::corrupt, "{}: partition {}: {}", where_of(backup),
                             checkpoint.partition, found.error().message);
        if (*found != checkpoint)
            return bus::fail(ErrorCode::corrupt,
                             "{}: the checkpoint of partition {} is not the manifest's",
                             where_of(backup), checkpoint.partition);
        run.advance(1);
    }
    return Done{};
}

}  // namespace

Result<ChosenBackup> choose_backup(const fs::path& from) {
    const fs::path path = fs::absolute(from).lexically_normal();
    const fs::path trimmed = path.has_filename() ? path : path.parent_path();
    fs::path folder = trimmed;
    std::string name;
    const auto has_manifest = bus::is_there(trimmed / "manifest.json");
    if (!has_manifest || *has_manifest) {
        folder = trimmed.parent_path();
        name = trimmed.filename().string();
    } else {
        const auto names = backups_in(folder);
        if (!names) return names.error();
        if (names->empty())
            return bus::fail(ErrorCode::not_found, "{} holds no finished backup", folder.string());
        name = names->back();
    }
    auto manifest = read_manifest(folder, name);
    if (!manifest) return manifest.error();
    return ChosenBackup{folder, *std::move(manifest)};
}

Result<Done> check_contents(const ChosenBackup& backup, jobs::JobRun& run) {
    run.phase("hashes", backup.manifest.bytes(), "bytes");
    const auto each = [&](std::uint64_t bytes) {
        run.advance(bytes);
        return run.go_on();
    };
    for (const BackedUpFile& file : backup.manifest.files) {
        const fs::path content = pool_file(backup.folder, file.sha256);
        const auto hashed = hash_file(content, UINT64_MAX, each);
        const auto broken = [&](std::string_view what) {
            return bus::fail(ErrorCode::corrupt,
                             "{}: {} is {} ({}). Take another backup; the next one copies it again "
                             "once that file is removed",
                             where_of(backup), file.name, what, content.string());
        };
        if (!hashed && hashed.error().code == ErrorCode::not_found) return broken("missing");
        if (!hashed) return hashed.error();
        if (hashed->bytes < file.bytes) return broken("cut");
        if (hashed->sha256 != file.sha256) return broken("altered");
    }
    return Done{};
}

Result<std::string> verify_backup(const fs::path& from, jobs::JobRun& run) {
    const auto backup = choose_backup(from);
    if (!backup) return backup.error();
    if (auto checked = check_contents(*backup, run); !checked) return checked.error();
    if (auto proven = prove_journal(*backup, run); !proven) return proven.error();
    if (auto checked = check_stores(*backup, run); !checked) return checked.error();
    std::string text;
    schemas::json::Writer(text)
        .begin_object()
        .member("backup", where_of(*backup))
        .member("sound", true)
        .member("created", backup->manifest.created)
        .member("records", static_cast<std::int64_t>(backup->manifest.records()))
        .member("files", static_cast<std::int64_t>(backup->manifest.files.size()))
        .member("bytes", static_cast<std::int64_t>(backup->manifest.bytes()))
        .member("stores", static_cast<std::int64_t>(backup->manifest.stores.size()))
        .member("with_keys", backup->manifest.with_keys)
        .end_object();
    return text;
}

}  // namespace tools::backup
