#include "projections/store/memtable_budget.hpp"

#include <algorithm>

namespace projections::store {
namespace {

constexpr std::size_t last_resort_factor = 2;

std::uint64_t memtable_bytes(const MemtableBudget::Store& store) {
    std::uint64_t bytes = 0;
    store.database->GetAggregatedIntProperty(rocksdb::DB::Properties::kCurSizeActiveMemTable,
                                             &bytes);
    return bytes;
}

bool is_less_full(const MemtableBudget::Store& left, const MemtableBudget::Store& right) {
    return memtable_bytes(left) < memtable_bytes(right);
}

}  // namespace

// What is being flushed takes memory too: the rows that may stand in memory are fewer by that.
MemtableBudget::MemtableBudget(std::size_t bytes)
    : bytes_(bytes - bytes / 8),
      counted_(std::make_shared<rocksdb::WriteBufferManager>(last_resort_factor * bytes)) {}

void MemtableBudget::add(Store store) {
    std::lock_guard lock(mutex_);
    stores_.push_back(std::move(store));
}

void MemtableBudget::remove(const rocksdb::DB* database) {
    std::lock_guard lock(mutex_);
    const auto is_it = [&](const Store& store) { return store.database == database; };
    stores_.erase(std::remove_if(stores_.begin(), stores_.end(), is_it), stores_.end());
}

void MemtableBudget::keep() {
    if (counted_->mutable_memtable_memory_usage() <= bytes_) return;
    std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock || stores_.empty()) return;  // somebody does it
    const Store& fullest = *std::max_element(stores_.begin(), stores_.end(), is_less_full);
    rocksdb::FlushOptions options;
    options.wait = false;
    options.allow_write_stall = true;
    fullest.database->Flush(options, fullest.tables).PermitUncheckedError();
}

}  // namespace projections::store
