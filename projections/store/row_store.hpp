// One RocksDB per partition: rows of all projections of that partition, and the checkpoint.
//
// A commit is all or nothing; it is not synced: after a power cut the store is an older consistent
// state that catches up from the log. Keys are complete keys (instance, tenant, row key).
// Errors: unavailable (disk full: try later), corrupt (quarantine and rebuild), conflict (another
// process has it open).
// Threads: one writer; any number of readers, each with its own Snapshot.
#pragma once

#include "bus/position.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace projections::store {

inline constexpr std::uint32_t format_version = 1;

struct StoreWrite {
    std::uint8_t table = 0;  // 0 rows, 1 entries, 2 index, 3 measures
    std::string_view key;
    std::optional<std::string_view> value;  // none = delete
};

struct StoreOptions {
    std::filesystem::path directory;
    bus::PartitionId partition = 0;
    std::size_t memtable_bytes = 32 << 20;
};

// Caches and budgets that the stores of a process share.
class SharedResources;
std::shared_ptr<SharedResources> make_shared_resources(std::size_t block_cache_bytes,
                                                       std::size_t memtable_budget_bytes);

class Snapshot {
public:
    virtual ~Snapshot() = default;
    virtual std::optional<std::string> get(std::uint8_t table, std::string_view key) const = 0;
    using Visit = std::function<bool(std::string_view key, std::string_view value)>;
    virtual void scan(std::uint8_t table, std::string_view from, std::string_view to,
                      bool descending, const Visit& visit) const = 0;
    virtual const bus::Position& checkpoint() const = 0;  // the position these rows are true at
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
    virtual bus::Position checkpoint() const = 0;
    virtual std::unique_ptr<Snapshot> snapshot() const = 0;

    // The catalogue of projection instances and other small facts of the store, outside of all
    // tenants.
    virtual bus::Result<std::optional<std::string>> get_meta(std::string_view name) = 0;
    virtual bus::Result<bus::Done> put_meta(std::string_view name, std::string_view value) = 0;

    // Removes all keys that start with `prefix` in every table (dropping an instance, erasing a
    // tenant).
    virtual bus::Result<bus::Done> erase_prefix(std::string_view prefix) = 0;
    virtual std::string statistics()
        const = 0;  // one key=value line per figure, for doctor and metrics
};

}  // namespace projections::store
