// Which keys were seen: exact answers to "is this request a copy, and of which record".
//
// The segments that are not sealed yet have a hash table each; sealed ones answer from the sorted
// table in their footer, behind a filter (segment_footer.hpp).
#pragma once

#include "bus/embedded/journal_format.hpp"

namespace bus::embedded {

// Open addressing; a key that comes again replaces its entry. One writer; readers once it rests.
class DedupTable {
public:
    void put(const DedupEntry& entry);
    void reset(std::size_t entries_expected);  // empties it
    const DedupEntry* find(const DedupKey& key) const;
    // Begins to fetch what a find() soon after will look at.
    void prefetch(const DedupKey& key) const;
    std::size_t size() const { return count_; }
    std::vector<DedupEntry> sorted() const;

private:
    std::size_t slot_of(const DedupKey& key) const;
    void grow();

    std::vector<DedupEntry> entries_;  // a power of two; place.bytes == 0 is free
    std::size_t count_ = 0;
};

// Split block Bloom filter: one cache line per look-up, about 1 % false positives at 12 bits a key.
class DedupFilter {
public:
    using Block = std::array<std::uint32_t, 8>;
    static std::size_t blocks_for(std::size_t keys) { return keys == 0 ? 0 : keys / 21 + 1; }

    explicit DedupFilter(std::size_t blocks = 0) : blocks_(blocks) {}
    void add(const DedupKey& key);
    bool may_have(const DedupKey& key) const;
    void prefetch(const DedupKey& key) const;  // what may_have() will look at
    std::vector<Block>& blocks() { return blocks_; }
    const std::vector<Block>& blocks() const { return blocks_; }

private:
    std::vector<Block> blocks_;
};

// Orders keys as the tables do.
std::uint64_t leading_number(const DedupKey& key);  // first 8 bytes, big endian

}  // namespace bus::embedded
