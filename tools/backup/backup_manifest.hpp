// What one backup holds, as `manifest.json` says it. Version 1.
//
//   BACKUP/files/<2 hex>/<64 hex>   contents, named by their SHA-256; shared by all backups there
//   BACKUP/<name>/manifest.json     one backup; name = the time it was made, "20261121T150405Z"
//   BACKUP/<name>/manifest.sha256   of manifest.json
//   BACKUP/lock                     held while somebody writes
//
// A name that ends with ".part" is a backup that was cut off or is being removed: none.
#pragma once

#include "bus/ids.hpp"
#include "bus/position.hpp"

#include <string>
#include <vector>

namespace tools::backup {

inline constexpr int manifest_version = 1;

struct BackedUpFile {
    std::string name;  // below the data folder, "journal/000000000001.segment"
    std::string sha256;
    std::uint64_t bytes = 0;
    std::uint64_t full_bytes = 0;  // after a restore: the rest is zeros
    // The source when it was read: unchanged since, it need not be read again. modified_ns is 0
    // when it was written so lately that a later write might not show.
    std::int64_t modified_ns = 0;
    std::uint64_t inode = 0;
    std::uint64_t source_bytes = 0;
};

struct BackedUpPartition {
    bus::TopicPartition where;
    bus::Offset start = 0, end = 0;
    bool operator==(const BackedUpPartition&) const = default;
};

struct Manifest {
    std::string name;  // of the backup; not in the file
    bus::Timestamp created{};
    std::string program;  // version that made it
    std::string source;   // the data folder
    std::string engine;
    bus::PartitionId partitions = 0;
    bool with_keys = false;
    std::uint64_t journal_next_sequence = 0;
    std::string journal_chain;  // hex; of the last frame
    std::vector<BackedUpPartition> ends;
    std::vector<bus::Position> stores;  // checkpoints
    std::vector<BackedUpFile> files;    // sorted by name

    const BackedUpFile* find(std::string_view file) const;
    std::uint64_t bytes() const;
    std::uint64_t records() const;
};

std::string to_json(const Manifest& manifest);
// invalid_input: another version, or not a manifest.
bus::Result<Manifest> parse_manifest(std::string_view text);

}  // namespace tools::backup
