// One RocksDB per partition: rows of all projections of that partition, and the checkpoint.
//
// A commit is all or nothing; it is not synced: after a power cut the store is an older consistent
// state that catches up from the log. Keys are complete keys (instance, tenant, row key).
// Errors: unavailable (disk full: try later), corrupt (quarantine and rebuild), conflict (it is
// open elsewhere), invalid_input (a store of another format version or partition; it is left
// alone). Threads: one writer; any number of readers, each with its own Snapshot.
//
// On disk: a file `format` ("tributary store 1 partition 3") and the folder `rows` (RocksDB, one
// column family per table, and the default one for checkpoint and meta).
#pragma once

#include "bus/position.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace projections::store {

inline constexpr std::uint32_t format_version = 1;

inline constexpr std::uint8_t index_table = 2;  // only ever read in ranges, not by a whole key

struct StoreWrite {
    std::uint8_t table = 0;  // 0 rows, 1 entries, index_table, 3 measures
    std::string_view key;
    std::optional<std::string_view> value;  // none = delete
};

struct StoreOptions {
    std::filesystem::path directory;
    bus::PartitionId partition = 0;
    std::size_t memtable_bytes = 32 << 20;
    // For a store that is only being filled and can be begun again: no write-ahead log, no budget
    // shared with the others. What commit() wrote stays after flush(), or by itself when memory is
    // full, always rows and checkpoint of one moment.
    bool bulk = false;
};

// Caches and budgets that the stores of a process share.
class SharedResources;
std::shared_ptr<SharedResources> make_shared_resources(std::size_t block_cache_bytes,
                                                       std::size_t memtable_budget_bytes);

// One consistent moment. May outlive the store, which stays open on disk until the last one goes.
class Snapshot {
public:
    virtual ~Snapshot() = default;
    virtual std::optional<std::string> get(std::uint8_t table, std::string_view key) const = 0;
    // Visits those of `keys` that are there, with their place among them, in that order.
    using VisitValue = std::function<void(std::size_t place, std::string_view value)>;
    virtual void get_each(std::uint8_t table, std::span<const std::string> keys,
                          const VisitValue& visit) const = 0;
    using Visit = std::function<bool(std::string_view key, std::string_view value)>;
    virtual void scan(std::uint8_t table, std::string_view from, std::string_view to,
                      bool descending, const Visit& visit) const = 0;
    virtual const bus::Position& checkpoint() const = 0;  // the position these rows are true at
    // The first read here that failed; what was read is then incomplete and must not be answered.
    virtual const std::optional<bus::Error>& failure() const = 0;
};

// Work on a store's files beside its writer. May outlive the RowStore, whose database stays open
// until the last one goes. Threads: any.
class StoreUpkeep {
public:
    virtual ~StoreUpkeep() = default;
    // A store of its own in `directory`, which must not be there yet: what was committed up to now.
    // Files are shared by hard links where the disk is the same.
    virtual bus::Result<bus::Done> copy_to(const std::filesystem::path& directory) = 0;
    // Rewrites every file without what was replaced or deleted and no snapshot sees any more. Slow;
    // writes and reads go on.
    virtual bus::Result<bus::Done> compact() = 0;
    // How much was written up to now, and whether a snapshot is open that sees less.
    virtual std::uint64_t sequence() const = 0;
    virtual bool is_read_before(std::uint64_t sequence) const = 0;
    virtual std::uint64_t file_bytes() const = 0;  // of the files that are in use
};

struct SortedFiles;  // sorted_files.hpp

// Writes rows of instances that the store's own writer does not touch. May outlive the RowStore,
// whose database stays open until the last one goes. Threads: one, beside the store's writer.
class InstanceWriter {
public:
    virtual ~InstanceWriter() = default;
    virtual bus::Result<std::optional<std::string>> get(std::uint8_t table,
                                                        std::string_view key) = 0;
    virtual bus::Result<std::optional<std::string>> get_meta(std::string_view name) = 0;
    // All or nothing, as RowStore::commit(), with a meta value in the checkpoint's place.
    virtual bus::Result<bus::Done> commit(const std::vector<StoreWrite>& writes,
                                          std::string_view meta_name,
                                          std::string_view meta_value) = 0;
    // Takes the files over, all or none: they are linked into the store, their own names go.
    virtual bus::Result<bus::Done> ingest(const SortedFiles& files) = 0;
    // As RowStore::erase_prefix(); nothing to do when there are none.
    virtual bus::Result<bus::Done> erase_prefix(std::string_view prefix) = 0;
    virtual std::uint64_t bytes_of(std::string_view prefix) const = 0;  // on disk, about
};

class RowStore {
public:
    static bus::Result<std::unique_ptr<RowStore>> open(const StoreOptions& options,
                                                       std::shared_ptr<SharedResources> shared);
    virtual ~RowStore() = default;

    virtual bus::Result<std::optional<std::string>> get(std::uint8_t table,
                                                        std::string_view key) = 0;
    virtual bus::Result<bus::Done> commit(const std::vector<StoreWrite>& writes,
                                          const bus::Position& checkpoint) = 0;
    virtual bus::Position checkpoint() const = 0;  // any thread
    virtual std::unique_ptr<Snapshot> snapshot() const = 0;
    // Damage that anyone met, a reader included (what compaction meets comes with the next
    // commit); the writer must stop. Any thread.
    virtual std::optional<bus::Error> damage() const = 0;

    // The catalogue of projection instances and other small facts of the store, outside of all
    // tenants.
    virtual bus::Result<std::optional<std::string>> get_meta(std::string_view name) = 0;
    virtual bus::Result<bus::Done> put_meta(std::string_view name, std::string_view value) = 0;

    // Removes all keys that start with `prefix` in every table (dropping an instance, erasing a
    // tenant). Of 10 bytes at most, which rows' keys are longer than (sorted_inserts.hpp).
    virtual bus::Result<bus::Done> erase_prefix(std::string_view prefix) = 0;
    virtual std::unique_ptr<StoreUpkeep> upkeep() const = 0;
    virtual std::unique_ptr<InstanceWriter> instance_writer() const = 0;
    virtual bus::Result<bus::Done> flush() = 0;  // what was committed survives a power cut
    virtual std::string statistics()
        const = 0;  // one key=value line per figure, for doctor and metrics
};

inline constexpr std::string_view quarantined_infix = ".corrupt-";

// Moves a store that is not to be served out of the way, to `<directory>.corrupt-<n>`, and says
// where to.
bus::Result<std::filesystem::path> quarantine(const std::filesystem::path& directory);

}  // namespace projections::store
