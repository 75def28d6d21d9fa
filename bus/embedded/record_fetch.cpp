#include "bus/embedded/record_fetch.hpp"

namespace bus::embedded {

char* FetchStorage::allocate(std::size_t bytes) {
    const std::size_t needed = bytes + value_padding_bytes;
    if (needed > chunk_left_) {
        chunk_left_ = std::max(chunk_bytes, needed);
        chunks_.push_back(std::make_unique_for_overwrite<char[]>(chunk_left_));
        chunk_at_ = chunks_.back().get();
    }
    char* const out = chunk_at_;
    std::memset(out + bytes, 0, value_padding_bytes);
    chunk_at_ += needed;
    chunk_left_ -= needed;
    return out;
}

Result<RecordFetch::Bytes> RecordFetch::bytes(const Segment& segment, Place place,
                                              FetchStorage& storage) const {
    if (auto arena = cache_.find(segment.id(), place)) {
        const char* at = arena->buffer.data() + (place.at - arena->file_at);
        storage.keep(std::move(arena));
        return Bytes{{at, place.bytes}, true};
    }
    char* const into = storage.allocate(place.bytes);
    auto read = segment.file().read_at(place.at, into, place.bytes);
    if (!read) return read.error();
    return Bytes{{into, *read}, false};
}

Result<StoredRecord> RecordFetch::get(const Segment& segment, Place place, const Address& address,
                                      FetchStorage& storage) const {
    auto found = bytes(segment, place, storage);
    if (!found) return found.error();
    if (!found->from_cache) {
        auto checked = check_record(found->view, address);
        if (checked) return checked;
        // Read in the middle of an erasure its pages are of two moments: look once more.
        found = bytes(segment, place, storage);
        if (!found) return found.error();
        return check_record(found->view, address);
    }
    auto record = parse_record(found->view);
    BUS_ASSERT(record && record->meta.offset == address.offset, "the cache mirrors what we wrote");
    return *record;
}

Result<StoredRecord> RecordFetch::get_any(const Segment& segment, Place place,
                                          FetchStorage& storage) const {
    auto found = bytes(segment, place, storage);
    if (!found) return found.error();
    auto record = parse_record(found->view);
    if (!record || !header_checks(*record))
        return fail(ErrorCode::corrupt, "the header of a record in segment {} is damaged",
                    segment.id());
    return *record;
}

}  // namespace bus::embedded
