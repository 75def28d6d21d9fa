#include "projections/batch_entries.hpp"

namespace projections {

namespace {
constexpr std::size_t places_min = 1024;
constexpr std::size_t free_max = 1024;
}  // namespace

BatchEntries::BatchEntries(std::uint64_t hash_seed) : seed_(hash_seed), places_(places_min) {}

BatchEntries::~BatchEntries() {
    clear();
}

void BatchEntries::Ring::push(BatchEntry& entry) {
    entry.newer = nullptr;
    entry.older = newest;
    (newest ? newest->newer : oldest) = &entry;
    newest = &entry;
    ++count;
}

void BatchEntries::Ring::remove(BatchEntry& entry) {
    (entry.newer ? entry.newer->older : newest) = entry.older;
    (entry.older ? entry.older->newer : oldest) = entry.newer;
    --count;
}

std::size_t BatchEntries::place_of(std::string_view slot, std::uint64_t hash) const {
    const std::size_t mask = places_.size() - 1;
    std::size_t place = hash & mask;
    while (places_[place].entry &&
           (places_[place].hash != hash || places_[place].entry->slot != slot))
        place = (place + 1) & mask;
    return place;
}

BatchEntry* BatchEntries::find(std::string_view slot, std::uint64_t hash,
                               std::uint64_t batch_number) {
    BatchEntry* const entry = places_[place_of(slot, hash)].entry;
    if (!entry || entry->touched_in == batch_number) return entry;
    ring_of(*entry).remove(*entry);
    entry->is_hot = true;
    hot_.push(*entry);
    entry->touched_in = batch_number;
    return entry;
}

BatchEntry& BatchEntries::insert(std::string_view slot, std::uint64_t hash,
                                 std::uint64_t batch_number) {
    if (2 * (count_ + 1) > places_.size()) grow();
    if (free_.empty()) free_.push_back(std::make_unique<BatchEntry>());
    BatchEntry& entry = *free_.back().release();
    free_.pop_back();
    entry.slot = slot;
    entry.slot_hash = hash;
    entry.touched_in = batch_number;
    places_[place_of(slot, entry.slot_hash)] = {entry.slot_hash, &entry};
    fresh_.push(entry);
    ++count_;
    return entry;
}

void BatchEntries::drop(BatchEntry& entry) {
    remove_place(place_of(entry.slot, entry.slot_hash));
    ring_of(entry).remove(entry);
    --count_;
    std::unique_ptr<BatchEntry> dropped(&entry);
    if (free_.size() == free_max) return;
    entry.row.reset();
    entry.before.reset();
    entry.before_index.clear();
    entry.raw.reset();
    entry.written = {};
    entry.existed = entry.changed = entry.is_hot = entry.is_raw = false;
    free_.push_back(std::move(dropped));
}

// Whoever stands behind the gap and would not be found across it moves up.
void BatchEntries::remove_place(std::size_t gap) {
    const std::size_t mask = places_.size() - 1;
    for (std::size_t next = (gap + 1) & mask; places_[next].entry; next = (next + 1) & mask) {
        const std::size_t home = places_[next].hash & mask;
        if (((next - home) & mask) < ((next - gap) & mask)) continue;
        places_[gap] = places_[next];
        gap = next;
    }
    places_[gap] = {};
}

void BatchEntries::grow() {
    std::vector<Place> before(2 * places_.size());
    before.swap(places_);
    const std::size_t mask = places_.size() - 1;
    for (const Place& moved : before) {
        if (!moved.entry) continue;
        std::size_t place = moved.hash & mask;
        while (places_[place].entry) place = (place + 1) & mask;
        places_[place] = moved;
    }
}

void BatchEntries::evict(std::size_t kept_max) {
    while (hot_.count > kept_max / 4 * 3) {
        BatchEntry& cooled = *hot_.oldest;
        hot_.remove(cooled);
        cooled.is_hot = false;
        fresh_.push(cooled);
    }
    while (fresh_.count > 0 && fresh_.count + hot_.count > kept_max) drop(*fresh_.oldest);
}

void BatchEntries::clear() {
    while (fresh_.oldest) drop(*fresh_.oldest);
    while (hot_.oldest) drop(*hot_.oldest);
}

}  // namespace projections
