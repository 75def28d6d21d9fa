#include "tools/backup/backup_folder.hpp"

#include "bus/crash_point.hpp"
#include "bus/durable_file.hpp"
#include "bus/durable_folder.hpp"
#include "bus/existing_files.hpp"
#include "bus/logging.hpp"
#include "bus/text.hpp"
#include "tools/output_folder.hpp"

#include <algorithm>

namespace tools::backup {

namespace fs = std::filesystem;
using bus::Done;
using bus::ErrorCode;
using bus::Result;

namespace {

constexpr std::string_view mark_name = "tributary-backup";
constexpr std::string_view mark_text = "tributary backup 1\n";
constexpr std::string_view part_suffix = ".part";

Result<Done> check_mark(const fs::path& folder) {
    const auto mark = read_whole(folder / mark_name);
    if (mark && *mark == mark_text) return Done{};
    if (mark)
        return bus::fail(ErrorCode::invalid_input, "{} is a backup folder of another version: {}",
                         folder.string(), bus::trim(*mark));
    return bus::fail(ErrorCode::invalid_input,
                     "{} is not a backup folder; name an empty or a new one", folder.string());
}

Result<Done> make_or_check(const fs::path& folder) {
    if (auto made = make_output_folder(folder); !made) return made;
    const auto entries = bus::entries_of(folder);
    if (!entries) return entries.error();
    const bool fresh = std::all_of(entries->begin(), entries->end(), [](const fs::path& entry) {
        return entry.filename() == "lock" ||
               entry.filename().string().starts_with(mark_name);  // cut off while being made
    });
    const auto is_marked = bus::is_there(folder / mark_name);
    if (!is_marked) return is_marked.error();
    if (fresh && !*is_marked) return bus::write_durably(folder / mark_name, mark_text);
    return check_mark(folder);
}

}  // namespace

fs::path pool_file(const fs::path& folder, std::string_view sha256) {
    return folder / "files" / sha256.substr(0, 2) / sha256;
}

Result<std::vector<std::string>> backups_in(const fs::path& folder) {
    const auto there = bus::is_there(folder);
    if (!there) return there.error();
    if (!*there) return bus::fail(ErrorCode::not_found, "there is no {}", folder.string());
    if (auto mark = check_mark(folder); !mark) return mark.error();
    const auto entries = bus::entries_of(folder);
    if (!entries) return entries.error();
    std::vector<std::string> names;
    for (const fs::path& entry : *entries) {
        const std::string name = entry.filename().string();
        if (name.ends_with(part_suffix)) continue;
        const auto has_manifest = bus::is_there(entry / "manifest.json");
        if (!has_manifest || *has_manifest) names.push_back(name);
    }
    return names;
}

Result<Manifest> read_manifest(const fs::path& folder, const std::string& name) {
    const fs::path file = folder / name / "manifest.json";
    const auto text = read_whole(file);
    if (!text) return text.error();
    const auto hash = read_whole(folder / name / "manifest.sha256");
    if (!hash) return hash.error();
    if (bus::trim(*hash) != bus::to_hex(bus::crypto::view(bus::crypto::sha256(*text))))
        return bus::fail(ErrorCode::corrupt, "{} was altered: its hash is not the one beside it",
                         file.string());
    auto manifest = parse_manifest(*text);
    if (!manifest)
        return bus::fail(manifest.error().code, "{}: {}", file.string(), manifest.error().message);
    manifest->name = name;
    return manifest;
}

Result<BackupFolder> BackupFolder::open(const fs::path& folder) {
    if (auto made = make_or_check(folder); !made) return made.error();
    auto lock = FolderLock::take(folder);
    if (!lock && lock.error().code == ErrorCode::conflict)
        return bus::fail(ErrorCode::conflict, "another backup is being written to {}",
                         folder.string());
    if (!lock) return lock.error();
    BackupFolder opened(folder, *std::move(lock));
    const auto entries = bus::entries_of(folder);
    if (!entries) return entries.error();
    for (const fs::path& entry : *entries) {
        if (!entry.string().ends_with(part_suffix)) continue;
        if (auto removed = remove_tree(entry); !removed) return removed.error();
    }
    return opened;
}

std::optional<Manifest> BackupFolder::newest() const {
    const auto not_built_on = [](const bus::Error& why) {
        bus::logging::warn("backup_not_built_on", {{"reason", why.message}});
        return std::nullopt;
    };
    const auto names = backups_in(path_);
    if (!names) return not_built_on(names.error());
    for (auto name = names->rbegin(); name != names->rend(); ++name) {
        auto manifest = read_manifest(path_, *name);
        if (manifest) return *std::move(manifest);
        not_built_on(manifest.error());
    }
    return std::nullopt;
}

bool BackupFolder::holds(std::string_view sha256, std::uint64_t bytes) const {
    const auto stamp = stamp_of(pool_file(path_, sha256));
    return stamp && stamp->bytes == bytes;
}

Result<BackupFolder::Put> BackupFolder::put(const fs::path& source, std::uint64_t bytes_max,
                                            const EachPiece& each, const Check& check) {
    const fs::path incoming = path_ / "incoming.part";
    if (auto made = make_directories(incoming); !made) return made.error();
    const fs::path copy = incoming / "file";
    auto content = copy_file(source, copy, bytes_max, 0, each);
    if (!content) return content.error();
    if (auto checked = check(copy); !checked) return checked.error();
    if (holds(content->sha256, content->bytes)) return Put{*std::move(content), false};
    const fs::path to = pool_file(path_, content->sha256);
    if (auto made = make_directories(to.parent_path()); !made) return made.error();
    std::error_code failed;
    fs::rename(copy, to, failed);
    if (failed) return bus::fail(ErrorCode::unavailable, "{}: {}", to.string(), failed.message());
    to_sync_.insert(to.parent_path());
    bus::crash_point("backup.file_copied");
    return Put{*std::move(content), true};
}

std::string BackupFolder::name_for(bus::Timestamp created) const {
    const auto text_of = [](bus::Timestamp time) {
        const auto whole = std::chrono::time_point_cast<bus::milliseconds>(time);
        std::string text;
        for (const char c : bus::to_iso(whole))
            if (c != '-' && c != ':') text += c;
        return text;
    };
    std::string name = text_of(created);
    std::error_code ignored;  // a name that is taken all the same is refused when it is published
    while (fs::exists(path_ / name, ignored)) name = text_of(created += bus::milliseconds{1});
    return name;
}

Result<Done> BackupFolder::publish(const Manifest& manifest) {
    to_sync_.insert(path_ / "files");
    to_sync_.insert(path_);
    for (const fs::path& directory : to_sync_) {
        if (auto synced = bus::sync_names_in(directory); !synced) return synced;
    }
    to_sync_.clear();
    const fs::path to = path_ / manifest.name;
    const fs::path part = to.string() + std::string(part_suffix);
    const std::string text = to_json(manifest);
    const std::string hash = bus::to_hex(bus::crypto::view(bus::crypto::sha256(text)));
    if (auto made = make_directories(part); !made) return made;
    if (auto written = bus::write_durably(part / "manifest.json", text); !written) return written;
    bus::crash_point("backup.manifest_written");
    if (auto written = bus::write_durably(part / "manifest.sha256", hash + "\n"); !written)
        return written;
    if (auto renamed = bus::rename_durably(part, to); !renamed) return renamed;
    bus::crash_point("backup.published");
    return Done{};
}

Result<std::vector<std::string>> BackupFolder::keep_newest(std::size_t keep) {
    auto names = backups_in(path_);
    if (!names) return names.error();
    names->resize(names->size() - std::min(names->size(), keep));
    for (const std::string& name : *names) {
        const fs::path part = path_ / (name + std::string(part_suffix));
        if (auto renamed = bus::rename_durably(path_ / name, part); !renamed)
            return renamed.error();
        bus::crash_point("backup.old_set_aside");
        if (auto removed = remove_tree(part); !removed) return removed.error();
    }
    if (auto swept = sweep(); !swept) return swept.error();
    return names;
}

// With a manifest that cannot be read nobody knows what it needs: then nothing goes.
Result<Done> BackupFolder::sweep() {
    const auto names = backups_in(path_);
    if (!names) return names.error();
    std::set<std::string, std::less<>> needed;
    for (const std::string& name : *names) {
        const auto manifest = read_manifest(path_, name);
        if (!manifest) return manifest.error();
        for (const BackedUpFile& file : manifest->files) needed.insert(file.sha256);
    }
    const auto folders = bus::entries_of(path_ / "files");
    if (!folders) return folders.error();
    for (const fs::path& folder : *folders) {
        const auto files = bus::entries_of(folder);
        if (!files) return files.error();
        for (const fs::path& file : *files) {
            if (needed.contains(file.filename().string())) continue;
            if (auto removed = remove_tree(file); !removed) return removed;
            bus::crash_point("backup.swept_one");
        }
    }
    return Done{};
}

}  // namespace tools::backup
