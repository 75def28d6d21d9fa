#include "bus/embedded/segment_footer.hpp"

#include "bus/crc32c.hpp"

#include <algorithm>
#include <span>

namespace bus::embedded {
namespace {

constexpr std::size_t block_entries_bytes = dedup_block_entries * sizeof(DedupEntry);
constexpr std::size_t blocks_a_read = 128;

std::size_t blocks_for(std::size_t entries) {
    return (entries + dedup_block_entries - 1) / dedup_block_entries;
}

std::uint32_t trailer_crc(SegmentTrailer trailer) {
    trailer.crc = 0;
    return crc32c(bytes_of(trailer));
}

template <class T>
std::string_view bytes_of_all(const std::vector<T>& values) {
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

std::string encode_block(std::span<const DedupEntry> entries) {
    std::string block(reinterpret_cast<const char*>(entries.data()), entries.size_bytes());
    block.resize(dedup_block_bytes, '\0');
    const auto count = static_cast<std::uint32_t>(entries.size());
    std::memcpy(block.data() + block_entries_bytes + 4, &count, sizeof count);
    const std::uint32_t crc = crc32c(std::string_view(block).substr(0, block_entries_bytes), count);
    std::memcpy(block.data() + block_entries_bytes, &crc, sizeof crc);
    return block;
}

// Entries of a block that checks.
Result<std::span<const DedupEntry>> decode_block(std::string_view block,
                                                 std::vector<DedupEntry>& into) {
    const auto crc = load<std::uint32_t>(block.data() + block_entries_bytes);
    const auto count = load<std::uint32_t>(block.data() + block_entries_bytes + 4);
    if (count > dedup_block_entries || crc != crc32c(block.substr(0, block_entries_bytes), count))
        return fail(ErrorCode::corrupt, "a dedup table is damaged");
    into.resize(count);
    if (count > 0) std::memcpy(into.data(), block.data(), count * sizeof(DedupEntry));
    return std::span<const DedupEntry>(into);
}

struct Sections {
    std::string bytes;
    SegmentTrailer trailer;
};

void add_dedup(Sections& out, const std::vector<DedupEntry>& entries) {
    out.trailer.dedup_count = entries.size();
    for (std::size_t i = 0; i < entries.size(); i += dedup_block_entries) {
        const std::size_t count = std::min(dedup_block_entries, entries.size() - i);
        out.bytes += encode_block(std::span(entries).subspan(i, count));
    }
    for (const DedupEntry& entry : entries)
        out.trailer.dedup_until_us = std::max(out.trailer.dedup_until_us, entry.until_us);
}

void add_places(Sections& out, const PlacesBySlot& places) {
    out.trailer.places_at = out.bytes.size();
    for (const auto& slot : places) {
        out.trailer.places_count += slot.size();
        out.bytes += bytes_of_all(slot);
    }
    out.trailer.places_crc = crc32c(std::string_view(out.bytes).substr(out.trailer.places_at));
}

void add_head(Sections& out, const PlacesBySlot& places, const std::vector<DedupEntry>& entries) {
    std::vector<std::uint64_t> counts, fences;
    for (const auto& slot : places) counts.push_back(slot.size());
    DedupFilter filter(DedupFilter::blocks_for(entries.size()));
    for (std::size_t i = 0; i < entries.size(); ++i) {
        if (i % dedup_block_entries == 0) fences.push_back(leading_number(entries[i].key));
        filter.add(entries[i].key);
    }
    std::string head;
    head += bytes_of_all(counts);
    head += bytes_of_all(fences);
    head += bytes_of_all(filter.blocks());
    out.trailer.filter_blocks = filter.blocks().size();
    out.trailer.head_at = out.bytes.size();
    out.trailer.head_bytes = head.size();
    out.trailer.head_crc = crc32c(head);
    out.bytes += head;
}

Result<std::string> read_exactly(File& file, std::uint64_t at, std::size_t bytes) {
    std::string out(bytes, '\0');
    auto read = file.read_at(at, out.data(), bytes);
    if (!read) return read.error();
    if (*read != bytes) return fail(ErrorCode::corrupt, "a segment file is too short");
    return out;
}

template <class T>
std::vector<T> take_all(std::string_view& bytes, std::size_t count) {
    std::vector<T> out(count);
    if (count > 0) std::memcpy(out.data(), bytes.data(), count * sizeof(T));
    bytes.remove_prefix(count * sizeof(T));
    return out;
}

}  // namespace

std::uint64_t footer_bytes(std::size_t slots, std::size_t records, std::size_t dedup_entries) {
    const std::size_t blocks = blocks_for(dedup_entries);
    return page_ceil(blocks * (dedup_block_bytes + 8) + records * sizeof(Place) + slots * 8 +
                     DedupFilter::blocks_for(dedup_entries) * sizeof(DedupFilter::Block) +
                     sizeof(SegmentTrailer));
}

AlignedBuffer encode_footer(const SegmentHeader& segment, std::uint64_t next_sequence,
                            const Chain& chain, const PlacesBySlot& places,
                            const DedupTable& dedup) {
    const std::vector<DedupEntry> entries = dedup.sorted();
    Sections out;
    out.trailer.segment = segment.segment;
    out.trailer.next_sequence = next_sequence;
    out.trailer.chain = chain;
    add_dedup(out, entries);
    add_places(out, places);
    add_head(out, places, entries);

    auto buffer = AlignedBuffer::zeroed(out.bytes.size() + sizeof(SegmentTrailer));
    const std::uint64_t at = segment.segment_bytes - buffer.size();
    SegmentTrailer& trailer = out.trailer;
    trailer.dedup_at += at;
    trailer.places_at += at;
    trailer.head_at += at;
    trailer.crc = trailer_crc(trailer);
    out.bytes.copy(buffer.data(), out.bytes.size());
    std::memcpy(buffer.data() + buffer.size() - sizeof trailer, &trailer, sizeof trailer);
    return buffer;
}

Result<Done> write_footer(File& file, const SegmentHeader& segment, std::uint64_t next_sequence,
                          const Chain& chain, const PlacesBySlot& places, const DedupTable& dedup) {
    const AlignedBuffer buffer = encode_footer(segment, next_sequence, chain, places, dedup);
    const std::uint64_t at = segment.segment_bytes - buffer.size();
    if (auto written = file.write_at(at, buffer.view()); !written) return written;
    return file.sync();
}

Result<std::unique_ptr<SegmentFooter>> SegmentFooter::read(File& file, const SegmentHeader& segment,
                                                           std::size_t slots) {
    std::unique_ptr<SegmentFooter> none;
    auto last =
        read_exactly(file, segment.segment_bytes - sizeof(SegmentTrailer), sizeof(SegmentTrailer));
    if (!last) return last.error();
    const auto trailer = load<SegmentTrailer>(last->data());
    if (trailer.magic != trailer_magic || trailer.version != format_version ||
        trailer.crc != trailer_crc(trailer) || trailer.segment != segment.segment)
        return none;
    const std::size_t head_bytes = (slots + blocks_for(trailer.dedup_count)) * 8 +
                                   trailer.filter_blocks * sizeof(DedupFilter::Block);
    if (trailer.head_bytes != head_bytes) return none;
    auto counts = read_exactly(file, trailer.head_at, slots * sizeof(std::uint64_t));
    if (!counts) return counts.error();

    auto footer = std::make_unique<SegmentFooter>();
    footer->trailer_ = trailer;
    footer->base_.push_back(0);
    std::string_view rest = *counts;
    for (const std::uint64_t count : take_all<std::uint64_t>(rest, slots))
        footer->base_.push_back(footer->base_.back() + count);
    if (footer->base_.back() != trailer.places_count) return none;
    return footer;
}

Result<Done> SegmentFooter::check_head(File& file) const {
    const auto read = read_keys(file);
    if (!read) return read.error();
    return Done{};
}

void SegmentFooter::forget_keys() const {
    std::lock_guard lock(mutex_);
    known_.store(nullptr, std::memory_order_release);
    keys_.reset();
}

Result<const SegmentFooter::Keys*> SegmentFooter::keys(File& file) const {
    if (const Keys* known = known_.load(std::memory_order_acquire)) return known;
    std::lock_guard lock(mutex_);
    if (!keys_) {
        auto read = read_keys(file);
        if (!read) return read.error();
        keys_ = *std::move(read);
        known_.store(keys_.get(), std::memory_order_release);
    }
    return keys_.get();
}

Result<std::unique_ptr<const SegmentFooter::Keys>> SegmentFooter::read_keys(File& file) const {
    auto head = read_exactly(file, trailer_.head_at, trailer_.head_bytes);
    if (!head) return head.error();
    if (crc32c(*head) != trailer_.head_crc)
        return fail(ErrorCode::corrupt, "the footer of segment {} is damaged", trailer_.segment);
    std::string_view rest = *head;
    rest.remove_prefix((base_.size() - 1) * sizeof(std::uint64_t));
    auto keys = std::make_unique<Keys>();
    keys->fences = take_all<std::uint64_t>(rest, blocks_for(trailer_.dedup_count));
    keys->filter.blocks() = take_all<DedupFilter::Block>(rest, trailer_.filter_blocks);
    return std::unique_ptr<const Keys>(std::move(keys));
}

Result<Done> SegmentFooter::check_places(File& file) const {
    std::lock_guard lock(mutex_);
    if (places_checked_) return Done{};
    auto bytes = read_exactly(file, trailer_.places_at, trailer_.places_count * sizeof(Place));
    if (!bytes) return bytes.error();
    if (crc32c(*bytes) != trailer_.places_crc)
        return fail(ErrorCode::corrupt, "the places of segment {} are damaged", trailer_.segment);
    places_checked_ = true;
    return Done{};
}

Result<std::vector<Place>> SegmentFooter::places(File& file, std::size_t slot, std::uint64_t first,
                                                 std::size_t count) const {
    if (auto checked = check_places(file); !checked) return checked.error();
    BUS_ASSERT(first <= this->count(slot), "the caller knows what the segment holds");
    count = std::min<std::size_t>(count, this->count(slot) - first);
    std::vector<Place> out(count);
    const std::uint64_t at = trailer_.places_at + (base_[slot] + first) * sizeof(Place);
    auto read = file.read_at(at, reinterpret_cast<char*>(out.data()), count * sizeof(Place));
    if (!read) return read.error();
    if (*read != count * sizeof(Place)) return fail(ErrorCode::corrupt, "a segment is too short");
    return out;
}

Result<Done> SegmentFooter::each_key(File& file,
                                     const std::function<void(const DedupKey&)>& visit) const {
    std::vector<DedupEntry> entries;
    const std::size_t blocks = blocks_for(trailer_.dedup_count);
    for (std::size_t first = 0; first < blocks; first += blocks_a_read) {
        const std::size_t count = std::min(blocks_a_read, blocks - first);
        const auto bytes = read_exactly(file, trailer_.dedup_at + first * dedup_block_bytes,
                                        count * dedup_block_bytes);
        if (!bytes) return bytes.error();
        for (std::size_t i = 0; i < count; ++i) {
            const auto block =
                std::string_view(*bytes).substr(i * dedup_block_bytes, dedup_block_bytes);
            const auto checked = decode_block(block, entries);
            if (!checked) return checked.error();
            for (const DedupEntry& entry : *checked) visit(entry.key);
        }
    }
    return Done{};
}

Result<std::optional<DedupEntry>> SegmentFooter::find(File& file, const DedupKey& key) const {
    std::optional<DedupEntry> found;
    const auto known = keys(file);
    if (!known) return known.error();
    if (!(*known)->filter.may_have(key)) return found;
    const std::vector<std::uint64_t>& fences = (*known)->fences;
    // Keys that share their first 8 bytes may straddle a fence: start one block early then.
    const std::uint64_t number = leading_number(key);
    auto block = std::lower_bound(fences.begin(), fences.end(), number);
    if (block != fences.begin()) --block;
    std::vector<DedupEntry> entries;
    for (; block != fences.end() && *block <= number; ++block) {
        const auto i = static_cast<std::uint64_t>(block - fences.begin());
        auto bytes =
            read_exactly(file, trailer_.dedup_at + i * dedup_block_bytes, dedup_block_bytes);
        if (!bytes) return bytes.error();
        auto checked = decode_block(*bytes, entries);
        if (!checked) return checked.error();
        auto entry =
            std::lower_bound(checked->begin(), checked->end(), key,
                             [](const DedupEntry& e, const DedupKey& k) { return e.key < k; });
        if (entry != checked->end() && entry->key == key) {
            found = *entry;
            return found;
        }
    }
    return found;
}

}  // namespace bus::embedded
