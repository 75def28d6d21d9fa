// Steps on files that survive a power cut once they have returned. Errors: unavailable, with the
// system's reason and the file's name.
#pragma once

#include "bus/crypto/digest_stream.hpp"

#include <filesystem>
#include <functional>
#include <string>

namespace tools {

bus::Result<bus::Done> make_directories(const std::filesystem::path& directory);
bus::Result<bus::Done> remove_tree(const std::filesystem::path& path);
// What was written into the file, by whomever; its name may not be durable yet.
bus::Result<bus::Done> sync_file(const std::filesystem::path& file);
bus::Result<std::string> read_whole(const std::filesystem::path& file);

// What tells that a file is still the one that was looked at.
struct FileStamp {
    std::uint64_t bytes = 0;
    std::int64_t modified_ns = 0;
    std::uint64_t inode = 0;
    bool operator==(const FileStamp&) const = default;
};
bus::Result<FileStamp> stamp_of(const std::filesystem::path& file);  // not_found as well

struct Hashed {
    std::uint64_t bytes = 0;
    std::string sha256;  // hex
};
// Told about each piece of bytes; false stops with `cancelled`.
using EachPiece = std::function<bool(std::uint64_t bytes)>;

// Reads the first `bytes_max` bytes of a file.
bus::Result<Hashed> hash_file(const std::filesystem::path& file, std::uint64_t bytes_max,
                              const EachPiece& each);
// The same, and writes them to `to`, which is made, filled up with zeros to `full_bytes` and
// synced.
bus::Result<Hashed> copy_file(const std::filesystem::path& file, const std::filesystem::path& to,
                              std::uint64_t bytes_max, std::uint64_t full_bytes,
                              const EachPiece& each);

}  // namespace tools
