#include "tools/backup/restore.hpp"

#include "bus/crash_point.hpp"
#include "bus/durable_file.hpp"
#include "bus/embedded/journal.hpp"
#include "bus/existing_files.hpp"
#include "consumers/base_rows.hpp"
#include "projections/store/row_store.hpp"
#include "projections/store/store_check.hpp"
#include "schemas/json/json.hpp"
#include "tools/backup/backup_folder.hpp"
#include "tools/backup/backup_list.hpp"
#include "tools/backup/check_backup.hpp"
#include "tools/backup/make_backup.hpp"
#include "tools/backup/newer_erasures.hpp"
#include "tools/folder_owner.hpp"
#include "tools/installation.hpp"

#include <sys/stat.h>

#include <algorithm>

namespace tools::backup {

namespace fs = std::filesystem;
using bus::Done;
using bus::ErrorCode;
using bus::Result;

namespace {

constexpr std::string_view mark_name = ".tributary-restoring";
constexpr std::size_t store_cache_bytes = 8 << 20;

Result<Done> must_be_free(const fs::path& data) {
    const auto entries = bus::entries_of(data);
    if (!entries) return entries.error();
    if (entries->empty()) return Done{};
    return bus::fail(ErrorCode::conflict, "{} is not empty; restore into a new folder",
                     data.string());
}

// A folder may be a link to where it lies, as /var/lib/tributary of the service is.
fs::path without_links(const fs::path& data) {
    const fs::path normal = fs::absolute(data).lexically_normal();
    std::error_code failed;
    const fs::path canonical = fs::weakly_canonical(normal, failed);
    return failed ? normal : canonical;
}

bool is_key(const std::string& name) {
    return std::find(std::begin(key_files), std::end(key_files), name) != std::end(key_files);
}

class Restoring {
public:
    Restoring(const RestoreOptions& options, ChosenBackup backup, jobs::JobRun& run)
        : options_(options),
          backup_(std::move(backup)),
          run_(run),
          data_(without_links(options.data)),
          beside_(data_.string() + ".restoring") {}

    Result<std::string> restore() {
        for (const auto step :
             {&Restoring::check_keys, &Restoring::check_erasures, &Restoring::check_backup,
              &Restoring::begin, &Restoring::copy_files, &Restoring::name_anew,
              &Restoring::copy_keys, &Restoring::open_journal, &Restoring::open_stores,
              &Restoring::open_bases, &Restoring::bring_erasures, &Restoring::list_backups,
              &Restoring::finish}) {
            if (auto done = (this->*step)(); !done) return done.error();
        }
        return report();
    }

private:
    Result<Done> check_keys() {
        for (const fs::path& key : options_.keys) {
            if (!is_key(key.filename().string()))
                return bus::fail(ErrorCode::invalid_input,
                                 "{}: keys are files named admin.key and master.key", key.string());
            const auto there = bus::is_there(key);
            if (!there) return there.error();
            if (!*there) return bus::fail(ErrorCode::invalid_input, "there is no {}", key.string());
        }
        return Done{};
    }

    // A journal that a migration left behind knows nothing of what was decided since.
    Result<Done> check_erasures() {
        const fs::path& newer = options_.erasures_from;
        if (newer.empty()) return Done{};
        const auto description = read_description(newer);
        if (!description) return description.error();
        const auto has_journal = bus::is_there(newer / "journal");
        if (!has_journal) return has_journal.error();
        if (description->engine == "embedded" && *has_journal) return Done{};
        return bus::fail(ErrorCode::invalid_input,
                         "the log of {0} is {1}: decisions to erase are read from a journal. Move "
                         "it back first: tributary migrate --from {2} --to embedded:{0}",
                         newer.string(), description->engine,
                         description->log.empty() ? "kafka:HOST:PORT" : description->log);
    }

    Result<Done> check_backup() { return check_contents(backup_, run_); }

    Result<Done> begin() {
        if (auto removed = remove_cut_off(); !removed) return removed;
        if (auto made = make_directories(beside_); !made) return made;
        ::chmod(beside_.c_str(), 0700);
        if (auto marked = bus::write_durably(beside_ / mark_name, ""); !marked) return marked;
        bus::crash_point("restore.begun");
        return Done{};
    }

    Result<Done> remove_cut_off() {
        const auto there = bus::is_there(beside_);
        if (!there) return there.error();
        if (!*there) return Done{};
        const auto is_ours = bus::is_there(beside_ / mark_name);
        if (!is_ours) return is_ours.error();
        if (*is_ours) return remove_tree(beside_);
        return bus::fail(ErrorCode::conflict,
                         "{} is in the way and not ours; move it or name another folder",
                         beside_.string());
    }

    Result<Done> copy_files() {
        run_.phase("copy", backup_.manifest.bytes(), "bytes");
        const auto each = [this](std::uint64_t bytes) {
            run_.advance(bytes);
            return run_.go_on();
        };
        for (const BackedUpFile& file : backup_.manifest.files) {
            const fs::path to = beside_ / file.name;
            if (auto made = make_directories(to.parent_path()); !made) return made;
            const auto copied = copy_file(pool_file(backup_.folder, file.sha256), to, file.bytes,
                                          file.full_bytes, each);
            if (!copied) return copied.error();
            if (copied->sha256 != file.sha256)
                return bus::fail(ErrorCode::corrupt, "{} changed while it was read",
                                 pool_file(backup_.folder, file.sha256).string());
            bus::crash_point("restore.file_copied");
        }
        return Done{};
    }

    // What came after the backup is not here, so nobody may go by what he knows of the other.
    Result<Done> name_anew() {
        auto description = read_description(beside_);
        if (!description) return description.error();
        description->id = new_installation_id();
        return write_description(beside_, *description);
    }

    Result<Done> copy_keys() {
        for (const fs::path& key : options_.keys) {
            const auto text = read_whole(key);
            if (!text) return text.error();
            if (auto written = bus::write_durably(beside_ / key.filename(), *text); !written)
                return written;
        }
        return Done{};
    }

    // As serve opens it: what recovery would refuse then is refused now.
    Result<Done> open_journal() {
        run_.phase("open", 1 + backup_.manifest.stores.size(), "parts");
        auto journal = bus::embedded::Journal::open({.directory = beside_ / "journal",
                                                     .partitions = backup_.manifest.partitions,
                                                     .reserve_bytes = 0});
        if (!journal) return journal.error();
        for (const BackedUpPartition& one : backup_.manifest.ends) {
            const auto start = (*journal)->start_offset(one.where);
            const auto end = (*journal)->end_offset(one.where);
            if (!start || !end) return start ? end.error() : start.error();
            if (BackedUpPartition{one.where, *start, *end} != one)
                return bus::fail(ErrorCode::corrupt,
                                 "the restored {}/{} holds {} to {}, the backup {} to {}",
                                 bus::short_name(one.where.topic), one.where.partition, *start,
                                 *end, one.start, one.end);
        }
        run_.advance(1);
        bus::crash_point("restore.journal_opened");
        return Done{};
    }

    Result<Done> open_stores() {
        const auto shared =
            projections::store::make_shared_resources(store_cache_bytes, 2 * store_cache_bytes);
        for (const bus::Position& checkpoint : backup_.manifest.stores) {
            if (!run_.go_on()) return bus::fail(ErrorCode::cancelled, "stopped on request");
            const auto directory =
                beside_ / "stores" / fmt::format("partition-{}", checkpoint.partition);
            const auto store = projections::store::RowStore::open(
                {.directory = directory, .partition = checkpoint.partition}, shared);
            if (!store) return store.error();
            if ((*store)->checkpoint() != checkpoint)
                return bus::fail(ErrorCode::corrupt,
                                 "the restored store of partition {} has another checkpoint",
                                 checkpoint.partition);
            run_.advance(1);
        }
        return Done{};
    }

    // What rebuilding begins with where records have expired.
    Result<Done> open_bases() {
        for (bus::PartitionId partition = 0; partition < backup_.manifest.partitions; ++partition) {
            const auto base = consumers::find_base(beside_ / "bases", partition);
            if (!base) return base.error();
            if (!*base) continue;
            const auto position =
                projections::store::check_store((*base)->directory, partition, true);
            if (!position) return position.error();
            if (*position != (*base)->position)
                return bus::fail(ErrorCode::corrupt, "the restored {} is at another position",
                                 (*base)->directory.string());
        }
        return Done{};
    }

    // Decisions come first and are followed by the bytes when the folder is served: its start ends
    // what was decided.
    Result<Done> bring_erasures() {
        if (options_.erasures_from.empty()) return Done{};
        run_.phase("erasures", 0, "facts");
        auto journal = bus::embedded::Journal::open({.directory = beside_ / "journal",
                                                     .partitions = backup_.manifest.partitions,
                                                     .reserve_bytes = 0});
        if (!journal) return journal.error();
        auto taken = take_over_erasures(**journal, options_.erasures_from / "journal");
        if (!taken) return taken.error();
        erasures_ = *std::move(taken);
        return Done{};
    }

    // The restored folder has its bytes in common with all that lies there.
    Result<Done> list_backups() {
        const auto names = backups_in(backup_.folder);
        if (!names) return names.error();
        std::vector<ListedBackup> backups;
        for (const std::string& name : *names) {
            const auto manifest = read_manifest(backup_.folder, name);
            if (manifest)
                backups.push_back({.folder = backup_.folder.string(),
                                   .name = name,
                                   .created = manifest->created,
                                   .with_keys = manifest->with_keys});
        }
        return write_backup_list(beside_, backups);
    }

    Result<Done> finish() {
        for (const std::string_view key : key_files) {
            const auto there = bus::is_there(beside_ / key);
            if (!there) return there.error();
            if (!*there) missing_keys_.emplace_back(key);
        }
        if (auto free = must_be_free(data_); !free) return free;
        give_to_owner_of(data_, beside_);  // of an empty folder that was made for it
        bus::crash_point("restore.opened");
        if (auto renamed = bus::rename_durably(beside_, data_); !renamed) return renamed;
        bus::crash_point("restore.renamed");
        return remove_tree(data_ / mark_name);
    }

    std::string report() const {
        std::string text;
        schemas::json::Writer json(text);
        json.begin_object()
            .member("data", data_.string())
            .member("backup", (backup_.folder / backup_.manifest.name).string())
            .member("created", backup_.manifest.created)
            .member("records", static_cast<std::int64_t>(backup_.manifest.records()))
            .member("stores", static_cast<std::int64_t>(backup_.manifest.stores.size()))
            .member("partitions", std::int64_t{backup_.manifest.partitions});
        json.key("missing_keys").begin_array();
        for (const std::string& key : missing_keys_) json.text(key);
        json.end_array().key("erasures").begin_array();
        for (const std::string& erasure : erasures_) json.text(erasure);
        json.end_array().end_object();
        return text;
    }

    const RestoreOptions& options_;
    const ChosenBackup backup_;
    jobs::JobRun& run_;
    const fs::path data_, beside_;
    std::vector<std::string> missing_keys_, erasures_;
};

}  // namespace

Result<std::string> restore(const RestoreOptions& options, jobs::JobRun& run) {
    if (auto free = must_be_free(options.data); !free) return free.error();
    auto backup = choose_backup(options.from);
    if (!backup) return backup.error();
    return Restoring(options, *std::move(backup), run).restore();
}

}  // namespace tools::backup
