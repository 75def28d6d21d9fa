// What a sealed segment knows of itself: where its records stand and which keys it has seen.
//
// A footer holds nothing that the frames do not: when one is damaged it is made again from them.
#pragma once

#include "bus/embedded/dedup_index.hpp"
#include "bus/embedded/file_ops.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>

namespace bus::embedded {

using PlacesBySlot = std::vector<std::vector<Place>>;

// Bytes at the end of a segment that must stay free for a footer of this many records.
std::uint64_t footer_bytes(std::size_t slots, std::size_t records, std::size_t dedup_entries);

// A footer follows from the frames alone: the same frames give the same bytes. It ends with the
// segment.
AlignedBuffer encode_footer(const SegmentHeader& segment, std::uint64_t next_sequence,
                            const Chain& chain, const PlacesBySlot& places,
                            const DedupTable& dedup);

// Writes the footer at the end of the segment and syncs it.
Result<Done> write_footer(File& file, const SegmentHeader& segment, std::uint64_t next_sequence,
                          const Chain& chain, const PlacesBySlot& places, const DedupTable& dedup);

// Threads: any.
class SegmentFooter {
public:
    // nullptr when there is none, or a damaged one. Reads little, however many keys it has: what
    // it says of keys is read and checked when they are first asked for. Until then its counts
    // are as good as the next segment's beginning proves them.
    static Result<std::unique_ptr<SegmentFooter>> read(File& file, const SegmentHeader& segment,
                                                       std::size_t slots);

    std::uint64_t next_sequence() const { return trailer_.next_sequence; }
    const Chain& chain() const { return trailer_.chain; }
    std::uint64_t count(std::size_t slot) const { return base_[slot + 1] - base_[slot]; }

    // Places of records first, first + 1, ... of a slot. corrupt when that part is damaged.
    Result<std::vector<Place>> places(File& file, std::size_t slot, std::uint64_t first,
                                      std::size_t count) const;
    // corrupt when what would tell is damaged.
    Result<std::optional<DedupEntry>> find(File& file, const DedupKey& key) const;
    void prefetch(const DedupKey& key) const {  // for find()
        if (const Keys* known = known_.load(std::memory_order_acquire)) known->filter.prefetch(key);
    }
    std::size_t key_count() const { return trailer_.dedup_count; }
    // In their order. corrupt when a part of the table is damaged.
    Result<Done> each_key(File& file, const std::function<void(const DedupKey&)>& visit) const;
    // Counts, fences and filter as they were written, else corrupt. Keeps nothing of them.
    Result<Done> check_head(File& file) const;
    // Gives back the memory of what find() has read. Not beside find() or prefetch().
    void forget_keys() const;
    bool has_keys() const { return known_.load(std::memory_order_acquire) != nullptr; }
    bool remembers_after(Timestamp time) const { return trailer_.dedup_until_us > to_us(time); }

private:
    struct Keys {
        std::vector<std::uint64_t> fences;  // of the dedup blocks
        DedupFilter filter;
    };
    Result<const Keys*> keys(File& file) const;
    Result<std::unique_ptr<const Keys>> read_keys(File& file) const;
    Result<Done> check_places(File& file) const;

    SegmentTrailer trailer_;
    std::vector<std::uint64_t> base_;  // places before each slot; one more at the end
    mutable std::mutex mutex_;
    mutable bool places_checked_ = false;              // guarded by mutex_
    mutable std::unique_ptr<const Keys> keys_;         // guarded by mutex_
    mutable std::atomic<const Keys*> known_{nullptr};  // keys_, for those who come later
};

}  // namespace bus::embedded
