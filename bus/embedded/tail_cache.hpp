// The recently written bytes of the journal in memory, so that live readers touch no file.
//
// An arena mirrors a range of one segment; the writer fills it front to back and readers look only
// at records that are already visible, so nobody reads bytes that are still being written.
#pragma once

#include "bus/embedded/body_eraser.hpp"

#include <deque>
#include <limits>
#include <mutex>
#include <optional>

namespace bus::embedded {

struct Arena {
    AlignedBuffer buffer;
    std::uint64_t segment = 0;
    std::uint64_t file_at = 0;  // of its first byte; a multiple of page_bytes
    // Where the next arena of the segment goes on with what it carried over: nothing behind that
    // was written here. The cache's own.
    std::uint64_t valid_end = std::numeric_limits<std::uint64_t>::max();

    std::uint64_t file_end() const { return file_at + buffer.size(); }
};

// A buffer of an arena that nobody holds any more: fresh memory would cost as much as what is
// written into it. Threads: any.
class SpareBuffer {
public:
    explicit SpareBuffer(std::size_t bytes) : bytes_(bytes) {}
    AlignedBuffer take(
        std::size_t bytes);  // a new one where none is there or another size is asked
    void give_back(AlignedBuffer buffer);

private:
    const std::size_t bytes_;
    std::mutex mutex_;
    std::optional<AlignedBuffer> spare_;  // guarded by mutex_
};

// Threads: any.
class TailCache {
public:
    TailCache(std::size_t arena_bytes, std::size_t bytes_max)
        : arena_bytes_(arena_bytes),
          bytes_max_(bytes_max),
          spare_(std::make_shared<SpareBuffer>(arena_bytes)) {}

    // A new arena, already part of the cache; the oldest ones make room. It begins with `carried`,
    // whose records readers may look for at once; its other bytes are arbitrary.
    std::shared_ptr<Arena> start(std::uint64_t segment, std::uint64_t file_at,
                                 std::size_t bytes_min, std::string_view carried);
    // Takes erased bytes out of memory: arenas that hold them leave the cache, but for `writing`,
    // which a blanked copy replaces; gives the one that takes its place. Batches that readers hold
    // keep what they have seen.
    std::shared_ptr<Arena> blank(std::uint64_t segment, std::span<const Blanking> records,
                                 const std::shared_ptr<Arena>& writing);
    void forget(std::uint64_t segment);  // that nobody writes any more
    // The arena that holds all of the record, or null.
    std::shared_ptr<const Arena> find(std::uint64_t segment, Place place) const;

private:
    const std::size_t arena_bytes_, bytes_max_;
    const std::shared_ptr<SpareBuffer> spare_;  // arenas that readers still hold may outlive this
    mutable std::mutex mutex_;
    // shared_ptr: batches keep an arena alive after it left the cache.
    std::deque<std::shared_ptr<Arena>> arenas_;  // guarded by mutex_, as all below; oldest first
    std::size_t bytes_ = 0;
};

}  // namespace bus::embedded
