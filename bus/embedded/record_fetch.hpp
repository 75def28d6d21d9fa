// Brings stored records into memory: from the tail cache without a copy, else from the file,
// checked.
#pragma once

#include "bus/embedded/segment_list.hpp"
#include "bus/embedded/tail_cache.hpp"

namespace bus::embedded {

// Keeps the bytes behind the views of a batch.
class FetchStorage {
public:
    void keep(std::shared_ptr<const Arena> arena) {
        if (arenas_.empty() || arenas_.back() != arena) arenas_.push_back(std::move(arena));
    }
    char* allocate(std::size_t bytes);  // with value_padding_bytes of zeros behind

private:
    static constexpr std::size_t chunk_bytes = 256u << 10;
    std::vector<std::shared_ptr<const Arena>> arenas_;  // shared with the cache
    std::vector<std::unique_ptr<char[]>> chunks_;
    std::size_t chunk_left_ = 0;
    char* chunk_at_ = nullptr;
};

class RecordFetch {
public:
    explicit RecordFetch(const TailCache& cache) : cache_(cache) {}

    // The record at a visible place. Errors: corrupt, unavailable.
    Result<StoredRecord> get(const Segment& segment, Place place, const Address& address,
                             FetchStorage& storage) const;
    // The same where the address is not known, as behind a dedup entry.
    Result<StoredRecord> get_any(const Segment& segment, Place place, FetchStorage& storage) const;

private:
    // Bytes from the cache are those we wrote; bytes from the file need the check.
    struct Bytes {
        std::string_view view;
        bool from_cache = false;
    };
    Result<Bytes> bytes(const Segment& segment, Place place, FetchStorage& storage) const;

    const TailCache& cache_;
};

}  // namespace bus::embedded
