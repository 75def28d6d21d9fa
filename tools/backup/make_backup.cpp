#include "tools/backup/make_backup.hpp"

#include "bus/clock.hpp"
#include "bus/crash_point.hpp"
#include "bus/embedded/journal_survey.hpp"
#include "bus/existing_files.hpp"
#include "bus/text.hpp"
#include "consumers/base_rows.hpp"
#include "projections/store/store_check.hpp"
#include "schemas/json/json.hpp"
#include "tools/backup/backup_folder.hpp"
#include "tools/backup/backup_list.hpp"
#include "tools/backup/compaction.hpp"
#include "tools/version.hpp"

#include <algorithm>

namespace tools::backup {

namespace fs = std::filesystem;
using bus::Done;
using bus::ErrorCode;
using bus::Result;

namespace {

constexpr int copy_tries_max = 3;
constexpr std::string_view bases_folder = "bases";  // consumers/base_rows.hpp
// A file that was written so lately may be written again without a newer time.
constexpr std::chrono::nanoseconds settled_after = std::chrono::seconds{2};

std::int64_t now_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

class Making {
public:
    Making(const BackupSource& source, const BackupOptions& options, jobs::JobRun& run,
           BackupFolder folder)
        : source_(source),
          options_(options),
          run_(run),
          folder_(std::move(folder)),
          before_(folder_.newest()),
          copies_(source.data / "backup.part") {}
    ~Making() { (void)remove_tree(copies_); }

    Result<std::string> make() {
        const auto started = std::chrono::steady_clock::now();
        if (auto listed = begin_listed(); !listed) return listed.error();
        for (const auto step : {&Making::look, &Making::put_files, &Making::put_bases,
                                &Making::describe, &Making::publish}) {
            if (auto done = (this->*step)(); !done) {
                unlist();
                return done.error();
            }
        }
        if (auto removed = remove_older(); !removed) return removed.error();
        const auto took = std::chrono::duration_cast<bus::milliseconds>(
            std::chrono::steady_clock::now() - started);
        return report(took);
    }

private:
    struct Wanted {
        std::string name;
        fs::path file;
        std::uint64_t bytes = 0, full_bytes = 0;
        bool settles = false;  // written once: its time says enough
        BackupFolder::Check check = [](const fs::path&) { return Done{}; };
    };

    // Listed before anything is copied: what is erased meanwhile may be in it already.
    Result<Done> begin_listed() {
        manifest_.created = bus::system_clock().now();
        manifest_.name = folder_.name_for(manifest_.created);
        auto listed = list(true);
        bus::crash_point("backup.begun");
        return listed;
    }

    Result<Done> list(bool under_way) const {
        auto backups = read_backup_list(source_.data);
        if (!backups) return backups.error();
        const std::string folder = folder_name();
        std::erase_if(*backups, [&](const ListedBackup& one) {
            return one.folder == folder && one.under_way;  // cut off, unless it is this one
        });
        backups->push_back({.folder = folder,
                            .name = manifest_.name,
                            .created = manifest_.created,
                            .with_keys = options_.with_keys,
                            .under_way = under_way});
        return write_backup_list(source_.data, *backups);
    }

    // An entry that cannot be taken out names a backup too many, which hides nothing.
    void unlist() const {
        const auto there = bus::is_there(options_.to / manifest_.name);
        if (!there || *there) return;
        (void)remove_from_backup_list(source_.data, folder_name(), {manifest_.name});
    }

    std::string folder_name() const {
        return fs::absolute(options_.to).lexically_normal().string();
    }

    // Once more when an erasure ended meanwhile: see check_erasures.
    Result<Done> look() {
        for (int tries = 1;; ++tries) {
            for (const auto step : {&Making::note_erasures, &Making::copy_stores, &Making::survey})
                if (auto done = (this->*step)(); !done) return done;
            auto checked = check_erasures();
            if (checked || checked.error().code != ErrorCode::conflict || tries == copy_tries_max)
                return checked;
            forget_look();
        }
    }

    void forget_look() {
        wanted_.clear();
        total_bytes_ = 0;
        manifest_.stores.clear();
        remarks_.clear();
    }

    // Hard links on the data folder's own disk: quick, and nothing that goes on can change them.
    Result<Done> copy_stores() {
        run_.phase("stores", source_.partitions, "stores");
        if (auto removed = remove_tree(copies_); !removed) return removed;
        if (auto made = make_directories(copies_); !made) return made;
        for (bus::PartitionId partition = 0; partition < source_.partitions; ++partition) {
            if (!run_.go_on()) return stopped();
            const fs::path copy = copies_ / fmt::format("partition-{}", partition);
            if (auto done = copy_store(partition, copy); !done) {
                if (auto removed = remove_tree(copy); !removed) return removed;
                remarks_.push_back(fmt::format(
                    "the rows of partition {} are not in it, a restore folds them anew: {}",
                    partition, done.error().message));
            }
            run_.advance(1);
        }
        bus::crash_point("backup.stores_copied");
        return Done{};
    }

    Result<Done> copy_store(bus::PartitionId partition, const fs::path& copy) {
        auto store = source_.store(partition);
        if (!store) return store.error();
        if (auto copied = (*store)->copy_to(copy); !copied) return copied;
        const auto checkpoint = projections::store::check_store(copy, partition, false);
        if (!checkpoint) return checkpoint.error();
        manifest_.stores.push_back(*checkpoint);
        return add_tree(copy, fmt::format("stores/partition-{}", partition), true);
    }

    Result<Done> add_tree(const fs::path& folder, const std::string& name, bool settles) {
        std::error_code failed;
        for (fs::recursive_directory_iterator at(folder, failed), end; !failed && at != end;
             at.increment(failed)) {
            if (!at->is_regular_file()) continue;
            const std::uint64_t bytes = at->file_size();
            add({.name = name + "/" + at->path().lexically_relative(folder).string(),
                 .file = at->path(),
                 .bytes = bytes,
                 .full_bytes = bytes,
                 .settles = settles});
        }
        if (failed)
            return bus::fail(ErrorCode::unavailable, "{}: {}", folder.string(), failed.message());
        return Done{};
    }

    void add(Wanted wanted) {
        total_bytes_ += wanted.bytes;
        wanted_.push_back(std::move(wanted));
    }

    // After the stores, so that their checkpoints lie before its end.
    Result<Done> survey() {
        run_.phase("journal", 0, "segments");
        auto journal = bus::embedded::survey_journal(source_.data / "journal", unchanged_tail());
        if (!journal) return journal.error();
        if (journal->partitions != source_.partitions)
            return bus::fail(ErrorCode::corrupt, "the journal has {} partitions instead of {}",
                             journal->partitions, source_.partitions);
        journal_ = *std::move(journal);
        for (const bus::embedded::SurveyedSegment& segment : journal_.segments) {
            add({.name = "journal/" + segment.file.filename().string(),
                 .file = segment.file,
                 .bytes = segment.bytes,
                 .full_bytes = segment.full_bytes,
                 .settles = false,
                 .check = [segment](const fs::path& copy) {
                     return bus::embedded::check_segment_copy(copy, segment);
                 }});
        }
        if (auto more = add_other_files(); !more) return more;
        return check_checkpoints();
    }

    std::optional<bus::embedded::KnownTail> unchanged_tail() const {
        if (!before_) return std::nullopt;
        const BackedUpFile* newest = nullptr;
        for (const BackedUpFile& file : before_->files)
            if (file.name.starts_with("journal/")) newest = &file;
        if (!newest || !is_unchanged(*newest, source_.data / newest->name)) return std::nullopt;
        const auto id =
            bus::embedded::parse_segment_file_name(fs::path(newest->name).filename().string());
        const auto chain = bus::from_hex(before_->journal_chain);
        bus::embedded::KnownTail tail;
        if (!id || !chain || chain->size() != tail.chain.size()) return std::nullopt;
        std::copy(chain->begin(), chain->end(), tail.chain.begin());
        tail.segment = *id;
        tail.bytes = newest->bytes;
        tail.next_sequence = before_->journal_next_sequence;
        const bus::Slots slots(source_.partitions);
        tail.ends.resize(slots.count());
        for (const BackedUpPartition& one : before_->ends) {
            if (!slots.contains(one.where)) return std::nullopt;
            tail.ends[slots[one.where]] = one.end;
        }
        return tail;
    }

    bool is_unchanged(const BackedUpFile& known, const fs::path& file) const {
        const auto stamp = stamp_of(file);
        return stamp && known.modified_ns != 0 &&
               *stamp == FileStamp{known.source_bytes, known.modified_ns, known.inode} &&
               folder_.holds(known.sha256, known.bytes);
    }

    // What else lies in the data folder: its description, and whatever later parts keep there.
    Result<Done> add_other_files() {
        std::error_code failed;
        for (fs::directory_iterator at(source_.data, failed), end; !failed && at != end;
             at.increment(failed)) {
            const std::string name = at->path().filename().string();
            if (at->is_directory() && name == "blobs") {
                if (auto added = add_tree(at->path(), name, true); !added) return added;
            }
            if (!at->is_regular_file() || !belongs(name)) continue;
            const std::uint64_t bytes = at->file_size();
            add({.name = name, .file = at->path(), .bytes = bytes, .full_bytes = bytes});
        }
        if (failed)
            return bus::fail(ErrorCode::unavailable, "{}: {}", source_.data.string(),
                             failed.message());
        return Done{};
    }

    bool belongs(const std::string& name) const {
        const bool is_key =
            std::find(std::begin(key_files), std::end(key_files), name) != std::end(key_files);
        if (is_key) return options_.with_keys;
        return name.front() != '.' && name != "lock" && name != "serving.json" &&
               name != backup_list_name && !name.ends_with(".new");
    }

    Result<Done> check_checkpoints() const {
        const bus::Slots slots(source_.partitions);
        for (const bus::Position& checkpoint : manifest_.stores) {
            for (std::size_t i = 0; i < bus::partitioned_topics; ++i) {
                const bus::TopicPartition where{bus::topic_at(i), checkpoint.partition};
                if (checkpoint[where.topic] > journal_.ends[slots[where]])
                    return bus::fail(ErrorCode::corrupt,
                                     "the rows of partition {} know {} records of {}, the journal "
                                     "{}; tributary verify says more",
                                     checkpoint.partition, checkpoint[where.topic],
                                     bus::short_name(where.topic), journal_.ends[slots[where]]);
            }
        }
        return Done{};
    }

    Result<Done> put_files() {
        run_.phase("copy", total_bytes_, "bytes");
        for (const Wanted& wanted : wanted_) {
            if (auto put = put_file(wanted); !put) return put;
        }
        bus::crash_point("backup.files_copied");
        return Done{};
    }

    // Last: whatever has expired in the segments that were copied, these stand for it. Linked, so
    // that a newer base does not take them away meanwhile.
    Result<Done> put_bases() {
        wanted_.clear();
        const fs::path links = copies_ / bases_folder;
        for (int tries = 1;; ++tries) {
            auto linked = link_bases(links);
            if (linked) break;
            if (tries == copy_tries_max) return linked;
        }
        for (bus::PartitionId partition = 0; partition < source_.partitions; ++partition)
            if (auto checked = check_base(links, partition); !checked) return checked;
        if (auto added = add_tree(links, std::string(bases_folder), true); !added) return added;
        for (const Wanted& wanted : wanted_)
            if (auto put = put_file(wanted); !put) return put;
        std::sort(manifest_.files.begin(), manifest_.files.end(),
                  [](const BackedUpFile& a, const BackedUpFile& b) { return a.name < b.name; });
        bus::crash_point("backup.bases_copied");
        return Done{};
    }

    Result<Done> link_bases(const fs::path& to) const {
        if (auto removed = remove_tree(to); !removed) return removed;
        if (auto made = make_directories(to); !made) return made;
        const auto bases = bus::entries_of(source_.data / bases_folder);
        if (!bases) return bases.error();
        for (const fs::path& base : *bases) {
            // Beside them stand some that are being made or dropped, and what is not ours.
            if (!consumers::parse_base_name(base.filename().string())) continue;
            if (auto linked = link_base(base, to / base.filename()); !linked) return linked;
        }
        return Done{};
    }

    static Result<Done> link_base(const fs::path& base, const fs::path& to) {
        std::error_code failed;
        fs::copy(base, to, fs::copy_options::recursive | fs::copy_options::create_hard_links,
                 failed);
        // One that goes meanwhile may have been listed as far as its files had gone.
        if (!failed && !fs::exists(base / consumers::base_note_name, failed) && !failed)
            failed = std::make_error_code(std::errc::no_such_file_or_directory);
        if (failed)
            return bus::fail(ErrorCode::unavailable, "{}: {}", base.string(), failed.message());
        return Done{};
    }

    Result<Done> check_base(const fs::path& bases, bus::PartitionId partition) const {
        const auto base = consumers::find_base(bases, partition);
        if (!base) return base.error();
        const bus::Slots slots(source_.partitions);
        for (std::size_t i = 0; *base && i < bus::partitioned_topics; ++i)
            if ((*base)->position.next[i] > journal_.ends[slots[{bus::topic_at(i), partition}]])
                return bus::fail(ErrorCode::conflict,
                                 "records expired while they were backed up; back up again");
        return Done{};
    }

    Result<Done> note_erasures() {
        if (!source_.erasures_completed) return Done{};
        const auto completed = source_.erasures_completed(0);
        if (!completed) return completed.error();
        erasures_before_ = *completed;
        return Done{};
    }

    // The copied rows may be from before one of which the journal says that it was carried out:
    // nobody would do that again after a restore.
    Result<Done> check_erasures() {
        if (!source_.erasures_completed) return Done{};
        const bus::Slots slots(source_.partitions);
        const auto completed =
            source_.erasures_completed(journal_.ends[slots[{bus::Topic::control, 0}]]);
        if (!completed) return completed.error();
        if (*completed == erasures_before_) return Done{};
        return bus::fail(ErrorCode::conflict,
                         "data was erased while it was backed up; back up again");
    }

    Result<Done> put_file(const Wanted& wanted) {
        if (!run_.go_on()) return stopped();
        const BackedUpFile* known = before_ ? before_->find(wanted.name) : nullptr;
        if (known && known->bytes == wanted.bytes && is_unchanged(*known, wanted.file)) {
            manifest_.files.push_back(*known);
            run_.advance(wanted.bytes);
            return Done{};
        }
        for (int tries = 1;; ++tries) {
            const auto stamp = stamp_of(wanted.file);
            if (!stamp) return stamp.error();
            std::optional<std::string> damage;
            const auto check = [&](const fs::path& copy) -> Result<Done> {
                auto checked = wanted.check(copy);
                if (!checked && checked.error().code != ErrorCode::corrupt) return checked;
                if (!checked) damage = checked.error().message;
                return Done{};
            };
            auto put = folder_.put(wanted.file, wanted.bytes, each_piece(tries), check);
            if (!put) return put.error();
            const auto after = stamp_of(wanted.file);
            if (!after) return after.error();
            // Written meanwhile: perhaps half of a change is in the copy.
            const bool torn = damage || put->content.bytes != wanted.bytes;
            if (torn && *after != *stamp && tries < copy_tries_max) continue;
            if (put->content.bytes != wanted.bytes)
                return bus::fail(ErrorCode::unavailable, "{} has {} bytes instead of {}",
                                 wanted.file.string(), put->content.bytes, wanted.bytes);
            if (damage) remarks_.push_back("damaged in the source: " + *damage);
            remember(wanted, *put, *stamp);
            return Done{};
        }
    }

    EachPiece each_piece(int tries) {
        return [this, tries](std::uint64_t bytes) {
            if (tries == 1) run_.advance(bytes);
            return run_.go_on();
        };
    }

    void remember(const Wanted& wanted, const BackupFolder::Put& put, const FileStamp& stamp) {
        const bool settled = wanted.settles || stamp.modified_ns < now_ns() - settled_after.count();
        manifest_.files.push_back({.name = wanted.name,
                                   .sha256 = put.content.sha256,
                                   .bytes = put.content.bytes,
                                   .full_bytes = wanted.full_bytes,
                                   .modified_ns = settled ? stamp.modified_ns : 0,
                                   .inode = stamp.inode,
                                   .source_bytes = stamp.bytes});
        if (!put.copied) return;
        ++copied_files_;
        copied_bytes_ += put.content.bytes;
    }

    Result<Done> describe() {
        manifest_.program = version;
        manifest_.source = fs::absolute(source_.data).lexically_normal().string();
        manifest_.engine = source_.engine;
        manifest_.partitions = source_.partitions;
        manifest_.with_keys = options_.with_keys;
        manifest_.journal_next_sequence = journal_.next_sequence;
        manifest_.journal_chain = bus::to_hex(bus::embedded::view(journal_.chain));
        const bus::Slots slots(source_.partitions);
        for (std::size_t i = 0; i < bus::topic_count; ++i) {
            for (bus::PartitionId p = 0; p < source_.partitions; ++p) {
                const bus::TopicPartition where{bus::topic_at(i), p};
                if (!slots.contains(where)) continue;
                manifest_.ends.push_back(
                    {where, journal_.starts[slots[where]], journal_.ends[slots[where]]});
            }
        }
        return Done{};
    }

    // Listed first: no backup may exist that a report about erasures does not know of.
    Result<Done> publish() {
        if (auto listed = list(false); !listed) return listed;
        bus::crash_point("backup.listed");
        return folder_.publish(manifest_);
    }

    Result<Done> remove_older() {
        if (options_.keep == 0) return Done{};
        auto removed = folder_.keep_newest(options_.keep);
        if (!removed) {
            remarks_.push_back("older backups were kept: " + removed.error().message);
            return Done{};
        }
        removed_ = *std::move(removed);
        return remove_from_backup_list(source_.data, folder_name(), removed_);
    }

    std::string report(bus::milliseconds took) const {
        std::string text;
        schemas::json::Writer json(text);
        const auto texts = [&](std::string_view name, const auto& values) {
            json.key(name).begin_array();
            for (const auto& value : values) json.text(value);
            json.end_array();
        };
        json.begin_object()
            .member("backup",
                    (fs::absolute(options_.to) / manifest_.name).lexically_normal().string())
            .member("created", manifest_.created)
            .member("records", static_cast<std::int64_t>(manifest_.records()))
            .member("files", static_cast<std::int64_t>(manifest_.files.size()))
            .member("bytes", static_cast<std::int64_t>(manifest_.bytes()))
            .member("copied_files", static_cast<std::int64_t>(copied_files_))
            .member("copied_bytes", static_cast<std::int64_t>(copied_bytes_))
            .member("took_ms", static_cast<std::int64_t>(took.count()));
        texts("left_out", options_.with_keys ? std::vector<std::string_view>{}
                                             : std::vector<std::string_view>(std::begin(key_files),
                                                                             std::end(key_files)));
        texts("removed", removed_);
        texts("remarks", remarks_);
        json.end_object();
        return text;
    }

    static bus::Error stopped() {
        return bus::fail(ErrorCode::cancelled, "stopped on request; no backup was made");
    }

    const BackupSource& source_;
    const BackupOptions& options_;
    jobs::JobRun& run_;
    BackupFolder folder_;
    const std::optional<Manifest> before_;
    const fs::path copies_;  // of the stores, while we work
    std::size_t erasures_before_ = 0;
    bus::embedded::JournalSurvey journal_;
    std::vector<Wanted> wanted_;
    std::uint64_t total_bytes_ = 0;
    Manifest manifest_;
    std::size_t copied_files_ = 0;
    std::uint64_t copied_bytes_ = 0;
    std::vector<std::string> removed_, remarks_;
};

bool is_inside(const fs::path& folder, const fs::path& outer) {
    const fs::path relative =
        fs::weakly_canonical(folder).lexically_relative(fs::weakly_canonical(outer));
    return !relative.empty() && *relative.begin() != "..";
}

Result<Done> check_request(const BackupSource& source, const BackupOptions& options) {
    if (options.to.empty()) return bus::fail(ErrorCode::invalid_input, "where to? --to FOLDER");
    if (source.engine != "embedded")
        return bus::fail(
            ErrorCode::invalid_input,
            "the log of {0} is on Kafka, which keeps and replicates it; rows are folded from it. "
            "For files of your own, copy the log into a journal and back that up: tributary "
            "migrate --data {0} --to embedded:FOLDER --copy-only, then tributary backup --data "
            "FOLDER",
            source.data.string());
    if (is_inside(options.to, source.data))
        return bus::fail(ErrorCode::invalid_input, "{} lies inside of {}; name another folder",
                         options.to.string(), source.data.string());
    return Done{};
}

}  // namespace

Result<std::string> make_backup(const BackupSource& source, const BackupOptions& options,
                                jobs::JobRun& run) {
    if (auto sound = check_request(source, options); !sound) return sound.error();
    auto folder = BackupFolder::open(options.to);
    if (!folder) return folder.error();
    return Making(source, options, run, *std::move(folder)).make();
}

Result<std::string> make_backup_offline(const fs::path& data, const BackupOptions& options,
                                        jobs::JobRun& run) {
    const auto description = read_description(data);
    if (!description) return description.error();
    auto lock = FolderLock::take(data);
    if (!lock) return lock.error();
    const BackupSource source{.data = data,
                              .engine = description->engine,
                              .partitions = description->partitions,
                              .store = stores_of(data)};
    return make_backup(source, options, run);
}

}  // namespace tools::backup
