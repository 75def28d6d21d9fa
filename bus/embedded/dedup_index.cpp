#include "bus/embedded/dedup_index.hpp"

#include <algorithm>

namespace bus::embedded {
namespace {

// The key is a keyed hash already: its bytes are as good as random.
std::uint64_t trailing_number(const DedupKey& key) {
    return load<std::uint64_t>(reinterpret_cast<const char*>(key.bytes.data()) + 8);
}

std::size_t filter_block(const DedupKey& key, std::size_t blocks) {
    return ((trailing_number(key) >> 32) * blocks) >> 32;
}

DedupFilter::Block filter_bits(const DedupKey& key) {
    // Odd multipliers of the split block filter of Apache Parquet's specification.
    static constexpr std::array<std::uint32_t, 8> salts{0x47b6137bu, 0x44974d91u, 0x8824ad5bu,
                                                        0xa2b7289du, 0x705495c7u, 0x2df1424bu,
                                                        0x9efc4947u, 0x5c6bfb31u};
    const auto seed = load<std::uint32_t>(reinterpret_cast<const char*>(key.bytes.data()));
    DedupFilter::Block bits{};
    for (std::size_t i = 0; i < bits.size(); ++i) bits[i] = 1u << ((seed * salts[i]) >> 27);
    return bits;
}

}  // namespace

std::uint64_t leading_number(const DedupKey& key) {
    return __builtin_bswap64(load<std::uint64_t>(reinterpret_cast<const char*>(key.bytes.data())));
}

std::size_t DedupTable::slot_of(const DedupKey& key) const {
    const std::size_t mask = entries_.size() - 1;
    std::size_t slot = trailing_number(key) & mask;
    while (entries_[slot].place.bytes != 0 && entries_[slot].key != key) slot = (slot + 1) & mask;
    return slot;
}

void DedupTable::put(const DedupEntry& entry) {
    if ((count_ + 1) * 5 > entries_.size() * 3) grow();
    DedupEntry& slot = entries_[slot_of(entry.key)];
    if (slot.place.bytes == 0) ++count_;
    slot = entry;
}

const DedupEntry* DedupTable::find(const DedupKey& key) const {
    if (count_ == 0) return nullptr;
    const DedupEntry& slot = entries_[slot_of(key)];
    return slot.place.bytes == 0 ? nullptr : &slot;
}

void DedupTable::prefetch(const DedupKey& key) const {
    if (count_ == 0) return;
    __builtin_prefetch(&entries_[trailing_number(key) & (entries_.size() - 1)]);
}

void DedupTable::reset(std::size_t entries_expected) {
    entries_.assign(std::bit_ceil(2 * entries_expected + 2), DedupEntry{});
    count_ = 0;
}

void DedupTable::grow() {
    constexpr std::size_t slots_min = 4096;
    std::vector<DedupEntry> old = std::move(entries_);
    entries_.assign(std::max(slots_min, old.size() * 2), DedupEntry{});
    for (const DedupEntry& entry : old)
        if (entry.place.bytes != 0) entries_[slot_of(entry.key)] = entry;
}

std::vector<DedupEntry> DedupTable::sorted() const {
    std::vector<DedupEntry> out;
    out.reserve(count_);
    for (const DedupEntry& entry : entries_)
        if (entry.place.bytes != 0) out.push_back(entry);
    std::sort(out.begin(), out.end(),
              [](const DedupEntry& a, const DedupEntry& b) { return a.key < b.key; });
    return out;
}

void DedupFilter::add(const DedupKey& key) {
    Block& block = blocks_[filter_block(key, blocks_.size())];
    const Block bits = filter_bits(key);
    for (std::size_t i = 0; i < bits.size(); ++i) block[i] |= bits[i];
}

void DedupFilter::prefetch(const DedupKey& key) const {
    if (!blocks_.empty()) __builtin_prefetch(&blocks_[filter_block(key, blocks_.size())]);
}

bool DedupFilter::may_have(const DedupKey& key) const {
    if (blocks_.empty()) return false;
    const Block& block = blocks_[filter_block(key, blocks_.size())];
    const Block bits = filter_bits(key);
    std::uint32_t missing = 0;
    for (std::size_t i = 0; i < bits.size(); ++i) missing |= bits[i] & ~block[i];
    return missing == 0;
}

}  // namespace bus::embedded
