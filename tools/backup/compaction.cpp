#include "tools/backup/compaction.hpp"

#include "bus/existing_files.hpp"
#include "schemas/json/json.hpp"
#include "tools/installation.hpp"

namespace tools::backup {

using bus::ErrorCode;
using bus::Result;

namespace {

constexpr std::size_t offline_cache_bytes = 8 << 20;

struct Sizes {
    bus::PartitionId partition = 0;
    std::uint64_t before = 0, after = 0;
};

std::string report(const std::vector<Sizes>& stores, const std::vector<std::string>& remarks,
                   std::chrono::steady_clock::time_point started) {
    const auto took =
        std::chrono::duration_cast<bus::milliseconds>(std::chrono::steady_clock::now() - started);
    std::uint64_t before = 0, after = 0;
    for (const Sizes& one : stores) before += one.before, after += one.after;
    std::string text;
    schemas::json::Writer json(text);
    json.begin_object()
        .member("stores", static_cast<std::int64_t>(stores.size()))
        .member("bytes_before", static_cast<std::int64_t>(before))
        .member("bytes_after", static_cast<std::int64_t>(after))
        .member("took_ms", static_cast<std::int64_t>(took.count()))
        .key("partitions")
        .begin_array();
    for (const Sizes& one : stores) {
        json.begin_object()
            .member("partition", std::int64_t{one.partition})
            .member("bytes_before", static_cast<std::int64_t>(one.before))
            .member("bytes_after", static_cast<std::int64_t>(one.after))
            .end_object();
    }
    json.end_array().key("remarks").begin_array();
    for (const std::string& remark : remarks) json.text(remark);
    json.end_array().end_object();
    return text;
}

}  // namespace

StoreOf stores_of(const std::filesystem::path& data) {
    const auto shared =
        projections::store::make_shared_resources(offline_cache_bytes, 4 * offline_cache_bytes);
    return [data, shared](bus::PartitionId partition)
               -> Result<std::unique_ptr<projections::store::StoreUpkeep>> {
        const auto directory = data / "stores" / fmt::format("partition-{}", partition);
        const auto there = bus::is_there(directory);
        if (!there) return there.error();
        if (!*there) return bus::fail(ErrorCode::not_found, "there is no {}", directory.string());
        auto store = projections::store::RowStore::open(
            {.directory = directory, .partition = partition}, shared);
        if (!store) return store.error();
        return (*store)->upkeep();
    };
}

Result<std::string> compact_stores(bus::PartitionId partitions, const StoreOf& store,
                                   jobs::JobRun& run) {
    const auto started = std::chrono::steady_clock::now();
    std::vector<Sizes> sizes;
    std::vector<std::string> remarks;
    run.phase("compact", partitions, "stores");
    for (bus::PartitionId partition = 0; partition < partitions; ++partition) {
        if (!run.go_on()) return bus::fail(ErrorCode::cancelled, "stopped on request");
        auto upkeep = store(partition);
        if (!upkeep) {
            remarks.push_back(fmt::format("partition {}: {}", partition, upkeep.error().message));
            continue;
        }
        Sizes one{.partition = partition, .before = (*upkeep)->file_bytes()};
        if (auto done = (*upkeep)->compact(); !done) return done.error();
        one.after = (*upkeep)->file_bytes();
        sizes.push_back(one);
        run.advance(1);
    }
    return report(sizes, remarks, started);
}

Result<std::string> compact_offline(const std::filesystem::path& data, jobs::JobRun& run) {
    const auto description = read_description(data);
    if (!description) return description.error();
    const auto lock = FolderLock::take(data);
    if (!lock) return lock.error();
    return compact_stores(description->partitions, stores_of(data), run);
}

}  // namespace tools::backup
