#include "bus/kafka/dedup_window.hpp"

#include <algorithm>
#include <cstring>

namespace bus::kafka {
namespace {

constexpr std::size_t slots_min = 64;

std::size_t first_bits(const DedupKey& key) {
    std::size_t bits;
    std::memcpy(&bits, key.bytes.data(), sizeof bits);
    return bits;
}

}  // namespace

std::size_t SeenTable::slot_of(const DedupKey& key) const {
    std::size_t i = first_bits(key) & (slots_.size() - 1);
    while (slots_[i].used && slots_[i].key != key) i = (i + 1) & (slots_.size() - 1);
    return i;
}

const Seen* SeenTable::find(const DedupKey& key) const {
    if (slots_.empty()) return nullptr;
    const Slot& slot = slots_[slot_of(key)];
    return slot.used ? &slot.seen : nullptr;
}

void SeenTable::put(const DedupKey& key, const Seen& seen) {
    if ((size_ + 1) * 10 > slots_.size() * 7) grow();
    Slot& slot = slots_[slot_of(key)];
    if (!slot.used) ++size_;
    slot = {.key = key, .seen = seen, .used = true};
}

void SeenTable::grow() {
    std::vector<Slot> before(std::max(slots_min, slots_.size() * 2));
    before.swap(slots_);
    for (const Slot& slot : before) {
        if (slot.used) slots_[slot_of(slot.key)] = slot;
    }
}

std::size_t DedupWindow::KeyHash::operator()(const DedupKey& key) const {
    return first_bits(key);
}

DedupWindow::DedupWindow(std::size_t keys_max)
    : generation_max_(std::max<std::size_t>(1, keys_max / 2 / shard_count)) {}

const Seen* DedupWindow::find(const Shard& shard, const DedupKey& key) {
    const Seen* seen = shard.young.find(key);
    return seen ? seen : shard.old.find(key);
}

std::optional<Seen> DedupWindow::find(const DedupKey& key, Timestamp ingest_time, seconds window) {
    Shard& shard = shard_of(key);
    std::lock_guard lock(shard.mutex);
    const Seen* seen = find(shard, key);
    return seen && ingest_time - seen->ingest_time < window ? std::optional{*seen} : std::nullopt;
}

DedupWindow::Outcome DedupWindow::begin(const DedupKey& key, Timestamp ingest_time, seconds window,
                                        AppendDone& done) {
    Shard& shard = shard_of(key);
    std::lock_guard lock(shard.mutex);
    if (const auto found = shard.on_the_way.find(key); found != shard.on_the_way.end()) {
        found->second.push_back(std::move(done));
        return Queued{};
    }
    const Seen* seen = find(shard, key);
    if (seen && ingest_time - seen->ingest_time < window) return *seen;
    shard.on_the_way.try_emplace(key);
    return Fresh{};
}

std::vector<AppendDone> DedupWindow::take_waiting(Shard& shard, const DedupKey& key) {
    const auto found = shard.on_the_way.find(key);
    if (found == shard.on_the_way.end()) return {};
    auto waiting = std::move(found->second);
    shard.on_the_way.erase(found);
    return waiting;
}

void DedupWindow::put(Shard& shard, const DedupKey& key, const Seen& seen) {
    if (shard.young.size() >= generation_max_) {
        shard.old = std::move(shard.young);
        shard.young = {};
    }
    shard.young.put(key, seen);
}

std::vector<AppendDone> DedupWindow::settle(const DedupKey& key, const Seen& seen) {
    Shard& shard = shard_of(key);
    std::lock_guard lock(shard.mutex);
    put(shard, key, seen);
    return take_waiting(shard, key);
}

std::vector<AppendDone> DedupWindow::forget(const DedupKey& key) {
    Shard& shard = shard_of(key);
    std::lock_guard lock(shard.mutex);
    return take_waiting(shard, key);
}

void DedupWindow::remember(const DedupKey& key, const Seen& seen) {
    Shard& shard = shard_of(key);
    std::lock_guard lock(shard.mutex);
    put(shard, key, seen);
}

}  // namespace bus::kafka
