// Chunks of a file, read ahead on a thread of its own while the one before is being taken in.
#pragma once

#include "schemas/import_formats/import_reader.hpp"
#include "tools/import/refused_file.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace tools::import {

struct ChunkItem {
    std::string place;
    std::size_t start = 0,
                bytes = 0;  // of its line in the chunk's text, without LF; none if damaged
    std::optional<bus::Error> damage;
    std::string record, original;  // of a damaged one
};

struct Chunk {
    std::string text;  // lines of POST /v1/imports/records
    std::vector<ChunkItem> items;
    std::uint64_t bytes_read = 0;  // of the file, up to its end
};

class ChunkQueue {
public:
    // Begins behind the first `skip` items. The reader is this thread's until the queue is gone.
    ChunkQueue(schemas::import_formats::ImportReader& reader, std::uint64_t skip);
    ~ChunkQueue();

    // The next chunk; nullopt at the end. An error of the whole file comes behind what was read.
    bus::Result<std::optional<Chunk>> next();

private:
    static constexpr std::size_t ahead_max = 4;
    void run(std::uint64_t skip);
    bool put(Chunk chunk);
    void end(std::optional<bus::Error> error);

    schemas::import_formats::ImportReader& reader_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Chunk> chunks_;  // guarded by mutex_, as all below
    std::optional<bus::Error> error_;
    bool ended_ = false;
    bool stopping_ = false;
    std::thread thread_;  // last: uses everything above
};

}  // namespace tools::import
