// The memory of all stores' memtables, and which store empties its own when they reach it: the
// fullest, all of its tables at once. Left to RocksDB every store that writes meanwhile would empty
// whichever of its tables is oldest, in files of a few kilobytes that compaction pays for again and
// again; this way they are as large as the budget allows. It also bounds the write-ahead logs,
// which reach back to the oldest row that stands in memory only. Private to this folder. Threads:
// any.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/write_buffer_manager.h>

#include <memory>
#include <mutex>
#include <vector>

namespace projections::store {

class MemtableBudget {
public:
    explicit MemtableBudget(std::size_t bytes);

    // What each store counts its memtables in. Should no flush help, RocksDB's own rule comes in at
    // twice the budget.
    const std::shared_ptr<rocksdb::WriteBufferManager>& counted() const { return counted_; }

    struct Store {
        rocksdb::DB* database;
        std::vector<rocksdb::ColumnFamilyHandle*> tables;
    };
    void add(Store store);
    void remove(const rocksdb::DB* database);  // before its tables are closed
    // After each write: begins to empty the fullest store when the budget is used up, and returns
    // at once. A store that cannot be flushed says so with its next write.
    void keep();

private:
    const std::size_t bytes_;
    const std::shared_ptr<rocksdb::WriteBufferManager> counted_;
    std::mutex mutex_;
    std::vector<Store> stores_;  // guarded by mutex_
};

}  // namespace projections::store
