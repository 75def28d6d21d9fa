#include "tools/retention/base_maker.hpp"

#include "bus/crash_point.hpp"
#include "bus/durable_file.hpp"
#include "bus/durable_folder.hpp"
#include "consumers/fresh_fold.hpp"
#include "consumers/scratch_folder.hpp"
#include "tools/backup/durable_files.hpp"
#include "tools/jobs/build_watch.hpp"

namespace tools::retention {

using bus::Done;
using bus::ErrorCode;
using bus::Result;
using consumers::Base;
using consumers::GenerationState;

namespace {

namespace fs = std::filesystem;

fs::path making_directory(const consumers::ProjectorSetup& setup, bus::PartitionId partition) {
    return setup.bases / fmt::format("partition-{}.making", partition);
}

// Rows of a generation that is not fed cannot be carried on, so nothing behind them may go.
Result<Done> all_are_fed(const consumers::GenerationCatalogue& catalogue,
                         bus::PartitionId partition) {
    for (const consumers::StoredGeneration& one : catalogue.all()) {
        if (one.state != GenerationState::building && one.state != GenerationState::frozen)
            continue;
        return bus::fail(ErrorCode::conflict,
                         "partition {}: generation {} of {} is {}; records expire when it is done, "
                         "or dropped",
                         partition, one.name.number, one.name.projection, name(one.state));
    }
    return Done{};
}

// Copies of the base before are not on the disk by themselves.
Result<Done> sync_all(const fs::path& directory) {
    std::error_code failed;
    for (fs::recursive_directory_iterator at(directory, failed), end; !failed && at != end;
         at.increment(failed)) {
        auto synced = at->is_directory() ? bus::sync_names_in(at->path()) : sync_file(at->path());
        if (!synced) return synced;
    }
    if (failed)
        return bus::fail(ErrorCode::unavailable, "{}: {}", directory.string(), failed.message());
    return bus::sync_names_in(directory);
}

// A generation that began meanwhile has read, as it does, what the base would stand for, and a
// store that was made anew still needs it; one that is made anew later begins with the base.
Result<Done> may_publish(consumers::Projector& projector, const Base& base) {
    if (projector.catalogue().text() != base.catalogue.text())
        return bus::fail(ErrorCode::conflict,
                         "the generations of partition {} changed while its base was made; nothing "
                         "has expired, it is tried again the next time",
                         base.position.partition);
    // Rows that a power cut could take back would never see what has expired.
    if (auto flushed = projector.store().flush(); !flushed) return flushed;
    bus::crash_point("retention.store_flushed");
    if (consumers::is_past(projector.store().checkpoint(), base)) return Done{};
    return bus::fail(ErrorCode::unavailable,
                     "the rows of partition {} were begun anew while its base was made; nothing "
                     "has expired, it is tried again the next time",
                     base.position.partition);
}

// Renamed first: who copies it meanwhile sees that it is going (copy_base()).
Result<Done> drop(const fs::path& base) {
    if (base.extension() == consumers::dropped_base_extension) return remove_tree(base);
    const fs::path going = base.string() + std::string(consumers::dropped_base_extension);
    std::error_code failed;
    fs::rename(base, going, failed);
    if (failed)
        return bus::fail(ErrorCode::unavailable, "rename {}: {}", base.string(), failed.message());
    return remove_tree(going);
}

Result<Done> remove_older(const consumers::ProjectorSetup& setup, bus::PartitionId partition,
                          std::uint64_t number) {
    const auto older = consumers::older_bases(setup.bases, partition, number);
    if (!older) return older.error();
    for (const fs::path& base : *older)
        if (auto dropped = drop(base); !dropped) return dropped;
    return Done{};
}

// The note comes last, then the name: what has the name is whole.
Result<Done> publish(const consumers::ProjectorSetup& setup, Base& base, const fs::path& making) {
    const bus::PartitionId partition = base.position.partition;
    auto noted = bus::write_durably(making / consumers::base_note_name, consumers::base_note(base));
    if (!noted) return noted;
    if (auto synced = sync_all(making); !synced) return synced;
    bus::crash_point("retention.base_written");
    base.directory = setup.bases / consumers::base_name(partition, base.number);
    if (auto renamed = bus::rename_durably(making, base.directory); !renamed) return renamed;
    bus::crash_point("retention.base_named");
    if (auto removed = remove_older(setup, partition, base.number); !removed) return removed;
    bus::crash_point("retention.older_base_gone");
    return Done{};
}

}  // namespace

Result<Base> make_base(consumers::ProjectorPool& pool, bus::PartitionId partition,
                       const bus::Position& floor, bus::Timestamp now, jobs::JobRun& run) {
    const consumers::ProjectorSetup& setup = pool.setup();
    const auto catalogue = pool.catalogue(partition);
    if (!catalogue) return catalogue.error();
    if (auto fed = all_are_fed(*catalogue, partition); !fed) return fed.error();
    if (auto made = make_directories(setup.bases); !made) return made.error();
    const fs::path making = making_directory(setup, partition);
    auto fold = consumers::FreshFold::begin(setup, partition, *catalogue, std::nullopt, making);
    if (!fold) return fold.error();
    const std::optional<Base>& before = (*fold)->base();
    Base base{.directory = making,
              .number = before ? before->number + 1 : 1,
              .made_at = now,
              .position = floor,
              .catalogue = *catalogue};
    if (before)
        for (std::size_t i = 0; i < bus::partitioned_topics; ++i)
            base.position.next[i] = std::max(floor.next[i], before->position.next[i]);
    jobs::WatchedBuild watch(run);
    if (auto folded = (*fold)->fold_until(base.position, watch); !folded) return folded.error();
    base.newest =
        std::max(before ? before->newest : bus::Timestamp{}, (*fold)->newest_ingest_time());
    bus::crash_point("retention.base_folded");
    if (auto kept = (*fold)->keep(); !kept) return kept.error();
    auto paused = pool.pause(partition);
    if (!paused) return paused.error();
    if (auto may = may_publish(paused->projector(), base); !may) {
        if (auto removed = remove_tree(making); !removed) return removed.error();
        return may.error();
    }
    if (auto published = publish(setup, base, making); !published) return published.error();
    return base;
}

Result<std::uint64_t> erase_from_base(const consumers::ProjectorSetup& setup,
                                      bus::PartitionId partition, bus::TenantId tenant) {
    const fs::path making = making_directory(setup, partition);
    const auto ours = consumers::ScratchFolder::take(making);
    if (!ours) return ours.error();
    auto base = consumers::find_base(setup, partition);
    if (!base) return base.error();
    if (!*base) return std::uint64_t{0};
    if (auto removed = remove_tree(making); !removed) return removed.error();
    if (auto copied = copy_base(**base, making); !copied) return copied.error();
    std::uint64_t rows_erased = 0;
    {
        auto rows = projections::store::RowStore::open(
            {.directory = making, .partition = partition}, setup.shared);
        if (!rows) return rows.error();
        for (const consumers::StoredGeneration& one : (*base)->catalogue.all()) {
            const std::string prefix = projections::complete_key(one.instance, tenant, "");
            const auto snapshot = (*rows)->snapshot();
            for (std::size_t table = 0; table < consumers::table_names.size(); ++table)
                snapshot->scan(static_cast<std::uint8_t>(table), prefix,
                               projections::prefix_end(prefix), false,
                               [&](std::string_view, std::string_view) {
                                   ++rows_erased;
                                   return true;
                               });
            if (snapshot->failure()) return *snapshot->failure();
            if (auto erased = (*rows)->erase_prefix(prefix); !erased) return erased.error();
        }
        if (auto flushed = (*rows)->flush(); !flushed) return flushed.error();
        if (auto compacted = (*rows)->upkeep()->compact(); !compacted) return compacted.error();
    }
    if (rows_erased == 0) {
        if (auto removed = remove_tree(making); !removed) return removed.error();
        // A try before may have failed behind its new base, and left those that have them.
        auto removed = remove_older(setup, partition, (*base)->number);
        if (!removed) return removed.error();
        return rows_erased;
    }
    (*base)->number += 1;
    if (auto published = publish(setup, **base, making); !published) return published.error();
    return rows_erased;
}

}  // namespace tools::retention
