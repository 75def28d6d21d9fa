// The rows that a batch holds, found by slot (table byte, then the complete key) and aged: rows
// touched by one batch, and rows touched again by a later one, so that a flood of rows that are
// written once does not push out those that are worth keeping.
#pragma once

#include "projections/byte_hash.hpp"
#include "projections/row.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace projections {

// Tells whether encoded bytes are those of the last write, without keeping them.
struct Fingerprint {
    std::uint64_t hash = 0;
    std::size_t bytes = 0;
    bool operator==(const Fingerprint&) const = default;
};

struct BatchEntry {
    std::string slot;
    std::uint64_t slot_hash = 0;
    std::unique_ptr<Row> row;
    bool existed = false;  // in the committed rows
    bool changed = false;  // in this batch
    bool is_hot = false;   // in the hot ring, else in the fresh one
    std::uint64_t touched_in = 0;

    // What the row was before this batch.
    std::unique_ptr<Row> before;  // only for measured kinds
    std::string before_index;
    Fingerprint written;

    // put() and erase(): bytes without a row.
    bool is_raw = false;
    std::optional<std::string> raw;

    BatchEntry* newer = nullptr;  // in its ring
    BatchEntry* older = nullptr;

    Table table() const { return static_cast<Table>(slot.front()); }
    std::string_view key() const { return std::string_view{slot}.substr(1); }
    const Row* shown() const { return row && !row->empty() ? row.get() : nullptr; }
};

class BatchEntries {
public:
    explicit BatchEntries(std::uint64_t hash_seed);
    ~BatchEntries();
    BatchEntries(const BatchEntries&) = delete;
    BatchEntries& operator=(const BatchEntries&) = delete;

    std::uint64_t hash_of(std::string_view slot) const { return byte_hash(slot, seed_); }
    // nullptr when it is not there. Touched entries count as used in `batch_number`.
    BatchEntry* find(std::string_view slot, std::uint64_t hash, std::uint64_t batch_number);
    // Which is not there.
    BatchEntry& insert(std::string_view slot, std::uint64_t hash, std::uint64_t batch_number);
    void drop(BatchEntry& entry);
    // Forgets what was not used for longest until at most `kept_max` are left.
    void evict(std::size_t kept_max);
    void clear();

private:
    struct Ring {
        BatchEntry* newest = nullptr;
        BatchEntry* oldest = nullptr;
        std::size_t count = 0;
        void push(BatchEntry& entry);
        void remove(BatchEntry& entry);
    };
    struct Place {
        std::uint64_t hash = 0;
        BatchEntry* entry = nullptr;  // owned until drop(); null = free
    };

    std::size_t place_of(std::string_view slot, std::uint64_t hash) const;  // or the free one
    void remove_place(std::size_t place);
    void grow();
    Ring& ring_of(const BatchEntry& entry) { return entry.is_hot ? hot_ : fresh_; }

    const std::uint64_t seed_;
    std::vector<std::unique_ptr<BatchEntry>> free_;  // a few: a partition that rests holds no more
    std::vector<Place>
        places_;  // open addressing, linear probing; a power of two, at most half full
    std::size_t count_ = 0;
    Ring fresh_, hot_;
};

}  // namespace projections
