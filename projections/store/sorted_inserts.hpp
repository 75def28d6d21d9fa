// A memtable goes on from where the last key went instead of searching from its top: the keys of a
// batch come in order.
//
// RocksDB keeps that place for a memtable's keys and for its range deletions in one (7.8; its issue
// 5118, mended by its pull request 12558), which damages both. So no range may begin with a key
// that this takes: those of rows are longer than what ranges begin with. Private to this folder.
#pragma once

#include <rocksdb/slice_transform.h>

namespace projections::store {

// Instance and tenant.
inline constexpr std::size_t range_start_bytes_max = 10;

class SortedInserts final : public rocksdb::SliceTransform {
public:
    const char* Name() const override { return "tributary.SortedInserts"; }
    bool InDomain(const rocksdb::Slice& key) const override {
        return key.size() > range_start_bytes_max;
    }
    // One place for all keys.
    rocksdb::Slice Transform(const rocksdb::Slice&) const override { return {}; }
};

}  // namespace projections::store
