#include "projections/store/rocks_options.hpp"

#include "projections/store/sorted_inserts.hpp"

#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

namespace projections::store {

namespace {
constexpr std::int64_t background_bytes_per_second = 128 << 20;
constexpr std::uint64_t wal_bytes_max = 64 << 20;  // bounds what a restart replays
constexpr std::size_t info_log_bytes_max = 1 << 20;
constexpr int file_opening_threads = 2;  // of each store, and the stores open side by side
constexpr int cache_shard_bits = 4;      // with more a shard is too small for what folds read most
}  // namespace

SharedResources::SharedResources(std::size_t block_cache_bytes, std::size_t memtable_budget_bytes)
    : block_cache(rocksdb::NewLRUCache(block_cache_bytes, cache_shard_bits)),
      memtables(memtable_budget_bytes),
      rate_limiter(rocksdb::NewGenericRateLimiter(background_bytes_per_second)) {}

std::shared_ptr<SharedResources> make_shared_resources(std::size_t block_cache_bytes,
                                                       std::size_t memtable_budget_bytes) {
    return std::make_shared<SharedResources>(block_cache_bytes, memtable_budget_bytes);
}

rocksdb::DBOptions database_options(const SharedResources& shared) {
    rocksdb::DBOptions options;
    options.create_if_missing = true;
    options.create_missing_column_families = true;
    options.paranoid_checks = true;
    options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
    options.max_total_wal_size = wal_bytes_max;
    options.avoid_flush_during_recovery = true;
    options.max_background_jobs = 2;
    options.max_subcompactions = 1;
    options.max_open_files = -1;
    options.max_file_opening_threads = file_opening_threads;
    options.bytes_per_sync = 1 << 20;
    options.wal_bytes_per_sync = 1 << 20;
    options.write_buffer_manager = shared.memtables.counted();
    options.rate_limiter = shared.rate_limiter;
    options.keep_log_file_num = 2;
    options.max_log_file_size = info_log_bytes_max;
    options.stats_dump_period_sec = 0;
    options.stats_persist_period_sec = 0;
    return options;
}

Lookup lookup_of(std::uint8_t table) {
    return table == index_table ? Lookup::by_range : Lookup::by_key;
}

rocksdb::ColumnFamilyOptions table_options(const SharedResources& shared,
                                           std::size_t memtable_bytes, Lookup lookup) {
    const bool by_key = lookup == Lookup::by_key;
    rocksdb::BlockBasedTableOptions blocks;
    blocks.block_cache = shared.block_cache;
    blocks.block_size = 8 << 10;
    blocks.format_version = 5;
    blocks.checksum = rocksdb::kXXH3;  // Debian builds CRC32C without the instruction for it
    if (by_key) blocks.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    // Filters stand in memory for as long as their file is open, 1.25 bytes a row: every look-up of
    // a row that is not there yet asks one of each file of the first level, and straight away. Of
    // whole keys only: with filters over prefixes, which are not used here, SeekForPrev could miss
    // rows before RocksDB 9.5.
    blocks.cache_index_and_filter_blocks = false;
    // In one piece the index of a file of 64 MiB takes up to a megabyte.
    blocks.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
    blocks.metadata_block_size = 16 << 10;
    // Those of the first level's files, which each look-up goes through, stay: in the cache each
    // had to be found first.
    blocks.metadata_cache_options.partition_pinning = rocksdb::PinningTier::kFlushedAndSimilar;
    blocks.enable_index_compression = false;

    rocksdb::ColumnFamilyOptions options;
    options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(blocks));
    options.write_buffer_size = memtable_bytes;
    // A fold asks for many rows that are not there yet; without this each asks the skiplist.
    options.memtable_whole_key_filtering = by_key;
    options.memtable_prefix_bloom_size_ratio = by_key ? 0.01 : 0;
    options.memtable_insert_with_hint_prefix_extractor = std::make_shared<SortedInserts>();
    // Each merge writes the next level again. Lists walk through all files of the first one.
    options.level0_file_num_compaction_trigger = by_key ? 16 : 10;
    options.level0_slowdown_writes_trigger = 32;
    options.level0_stop_writes_trigger = 48;
    options.max_bytes_for_level_base = 512 << 20;
    options.level_compaction_dynamic_level_bytes = true;
    options.compression = rocksdb::kNoCompression;
    options.bottommost_compression = rocksdb::kLZ4Compression;
    options.force_consistency_checks = true;
    return options;
}

rocksdb::DBOptions bulk_database_options(const SharedResources& shared) {
    rocksdb::DBOptions options = database_options(shared);
    // Without a write-ahead log the tables must reach the disk together.
    options.atomic_flush = true;
    options.write_buffer_manager = nullptr;
    options.rate_limiter = nullptr;
    return options;
}

rocksdb::ColumnFamilyOptions bulk_table_options(const SharedResources& shared,
                                                std::size_t memtable_bytes, Lookup lookup) {
    rocksdb::ColumnFamilyOptions options = table_options(shared, memtable_bytes, lookup);
    // Files wait in the first level: they are read once, in order, when the rows are handed over.
    options.level0_file_num_compaction_trigger = 8;
    options.level0_slowdown_writes_trigger = 40;
    options.level0_stop_writes_trigger = 60;
    options.compression = rocksdb::kNoCompression;
    options.bottommost_compression = rocksdb::kNoCompression;
    return options;
}

}  // namespace projections::store
