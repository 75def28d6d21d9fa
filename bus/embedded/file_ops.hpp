// What the journal asks of a file system, as a port: tests put a disk behind it that fails, fills
// up and loses what was not synced.
//
// Errors: unavailable, with the system's reason. Threads: any; one File is written by one thread.
#pragma once

#include "bus/embedded/aligned_buffer.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace bus::embedded {

// Threads: any, also several that write, each its own pages.
class File {
public:
    virtual ~File() = default;
    // Address, offset and size are multiples of page_bytes; the file does not grow.
    virtual Result<Done> write_at(std::uint64_t offset, std::string_view bytes) = 0;
    virtual Result<Done> sync() = 0;  // what was written survives a power cut
    // Fewer bytes than asked only at the end of the file.
    virtual Result<std::size_t> read_at(std::uint64_t offset, char* into, std::size_t bytes) = 0;
    virtual void will_read(std::uint64_t, std::uint64_t) {}  // a hint: offset, bytes
    virtual std::uint64_t size() const = 0;

    // It may be closed between two uses, and is opened again by its name.
    virtual void rest(const std::filesystem::path& /*name*/) {}
    virtual Result<Done> stay_open() { return Done{}; }
    // Before that name goes to another file: it stays open, for good, for those who hold it.
    virtual Result<Done> lose_name() { return Done{}; }
};

class DirectoryLock {
public:
    virtual ~DirectoryLock() = default;
};

class FileOps {
public:
    using Path = std::filesystem::path;
    virtual ~FileOps() = default;

    // With what is missing above it; the names are durable when it returns.
    virtual Result<Done> make_directory(const Path& directory) = 0;
    virtual Result<std::vector<std::string>> list(const Path& directory) = 0;  // file names
    virtual Result<std::unique_ptr<File>> open(const Path& file) = 0;
    // Full size, zeros written and synced, so that later writes change no metadata.
    virtual Result<Done> create_zeroed(const Path& file, std::uint64_t bytes) = 0;
    virtual Result<Done> rename(const Path& from, const Path& to) = 0;
    virtual Result<Done> remove(const Path& file) = 0;  // or a folder that is empty
    virtual Result<Done> sync_directory(const Path& directory) = 0;
    virtual Result<std::uint64_t> free_bytes(const Path& directory) = 0;
    // Held until the value dies, by process exit at the latest. conflict names the owner.
    virtual Result<std::unique_ptr<DirectoryLock>> lock(const Path& directory) = 0;
};

FileOps& real_files();

}  // namespace bus::embedded
