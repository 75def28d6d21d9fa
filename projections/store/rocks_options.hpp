// The settings of every store, measured for folds on two cores. Private to this folder.
#pragma once

#include "projections/store/memtable_budget.hpp"
#include "projections/store/row_store.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/options.h>
#include <rocksdb/rate_limiter.h>

namespace projections::store {

class SharedResources {
public:
    SharedResources(std::size_t block_cache_bytes, std::size_t memtable_budget_bytes);

    const std::shared_ptr<rocksdb::Cache> block_cache;
    MemtableBudget memtables;
    const std::shared_ptr<rocksdb::RateLimiter> rate_limiter;
};

// How rows of a table are found: where never by their key, filters over keys would only cost.
enum class Lookup : std::uint8_t { by_key, by_range };
Lookup lookup_of(std::uint8_t table);  // as StoreWrite::table

rocksdb::DBOptions database_options(const SharedResources& shared);
rocksdb::ColumnFamilyOptions table_options(const SharedResources& shared,
                                           std::size_t memtable_bytes, Lookup lookup);
// Of a store that is being filled (StoreOptions::bulk).
rocksdb::DBOptions bulk_database_options(const SharedResources& shared);
rocksdb::ColumnFamilyOptions bulk_table_options(const SharedResources& shared,
                                                std::size_t memtable_bytes, Lookup lookup);

}  // namespace projections::store
