// A folder with backups: what backup_manifest.hpp draws. Files stand in it once, however many
// backups hold them.
//
// Errors: invalid_input (not a backup folder, or a backup of another version), conflict (somebody
// else writes in it), unavailable. Threads: one.
#pragma once

#include "tools/backup/backup_manifest.hpp"
#include "tools/backup/durable_files.hpp"
#include "tools/installation.hpp"

#include <optional>
#include <set>

namespace tools::backup {

// Names, oldest first. One that nobody can look at counts: read_manifest() says why. not_found:
// there is no such folder.
bus::Result<std::vector<std::string>> backups_in(const std::filesystem::path& folder);
// Checked against manifest.sha256. corrupt: it was altered or cut.
bus::Result<Manifest> read_manifest(const std::filesystem::path& folder, const std::string& name);
// Where the contents stand that a manifest names.
std::filesystem::path pool_file(const std::filesystem::path& folder, std::string_view sha256);

class BackupFolder {
public:
    // Makes it when it is not there; takes its lock, and removes what a cut off backup left.
    static bus::Result<BackupFolder> open(const std::filesystem::path& folder);

    const std::filesystem::path& path() const { return path_; }
    // The newest backup that can be read, to build on.
    std::optional<Manifest> newest() const;

    // Content goes into the pool, unless it is there already. `check` sees the copy before it
    // counts.
    using Check = std::function<bus::Result<bus::Done>(const std::filesystem::path& copy)>;
    struct Put {
        Hashed content;
        bool copied = false;
    };
    bus::Result<Put> put(const std::filesystem::path& source, std::uint64_t bytes_max,
                         const EachPiece& each, const Check& check);
    bool holds(std::string_view sha256, std::uint64_t bytes) const;

    std::string name_for(bus::Timestamp created) const;
    // The backup is there when this returns, and not before.
    bus::Result<bus::Done> publish(const Manifest& manifest);
    // Removes the oldest beyond `keep`, then the files that nobody names any more. Gives the names.
    bus::Result<std::vector<std::string>> keep_newest(std::size_t keep);

private:
    BackupFolder(std::filesystem::path path, FolderLock lock)
        : path_(std::move(path)), lock_(std::move(lock)) {}
    bus::Result<bus::Done> sweep();

    std::filesystem::path path_;
    FolderLock lock_;
    std::set<std::filesystem::path> to_sync_;  // directories of the pool with new names
};

}  // namespace tools::backup
