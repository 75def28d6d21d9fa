// The recently written bytes of the journal in memory, so that live readers touch no file.
//
// An arena mirrors a range of one segment; the writer fills it front to back and readers look only
// at records that are already visible, so nobody reads bytes that are still being written.
#pragma once

#include "bus/embedded/body_eraser.hpp"

#include <deque>
#include <mutex>

namespace bus::embedded {

struct Arena {
    AlignedBuffer buffer;
    std::uint64_t segment = 0;
    std::uint64_t file_at = 0;  // of its first byte; a multiple of page_bytes

    std::uint64_t file_end() const { return file_at + buffer.size(); }
};

// Threads: any.
class TailCache {
public:
    TailCache(std::size_t arena_bytes, std::size_t bytes_max)
        : arena_bytes_(arena_bytes), bytes_max_(bytes_max) {}

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
    AlignedBuffer take_buffer(std::size_t bytes);

    const std::size_t arena_bytes_, bytes_max_;
    mutable std::mutex mutex_;
    // shared_ptr: batches keep an arena alive after it left the cache.
    std::deque<std::shared_ptr<Arena>> arenas_;  // guarded by mutex_, as all below; oldest first
    std::vector<AlignedBuffer> unused_;
    std::size_t bytes_ = 0;
};

}  // namespace bus::embedded
