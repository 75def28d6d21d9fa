#include "consumers/partition_store.hpp"

#include "bus/crash_point.hpp"
#include "bus/existing_files.hpp"
#include "bus/logging.hpp"
#include "bus/look_again.hpp"
#include "consumers/base_rows.hpp"
#include "consumers/lost_history.hpp"

namespace consumers {

namespace {

namespace fs = std::filesystem;
using bus::ErrorCode;
using projections::store::RowStore;

constexpr std::string_view catalogue_meta = "generations";
constexpr std::string_view complete_meta = "complete_from";

using Opened = bus::Result<std::unique_ptr<RowStore>>;

Opened open_rows(const ProjectorSetup& setup, bus::PartitionId partition) {
    return RowStore::open({.directory = store_directory(setup, partition),
                           .partition = partition,
                           .memtable_bytes = setup.memtable_bytes},
                          setup.shared);
}

Opened reopened(const ProjectorSetup& setup, bus::PartitionId partition, const bus::Error& why) {
    if (auto aside = set_store_aside(setup, partition, why.message); !aside) return aside.error();
    return open_rows(setup, partition);
}

Opened open_sound(const ProjectorSetup& setup, bus::PartitionId partition) {
    Opened rows = open_rows(setup, partition);
    if (rows || rows.error().code != ErrorCode::corrupt) return rows;
    return reopened(setup, partition, rows.error());
}

std::optional<bus::Topic> ahead_of(const bus::Position& checkpoint, const bus::Position& log_end) {
    for (std::size_t i = 0; i < bus::partitioned_topics; ++i)
        if (checkpoint.next[i] > log_end.next[i]) return bus::topic_at(i);
    return std::nullopt;
}

// corrupt: rows are past the log's end. `log_end` is what it was last said to be.
bus::Result<bus::Done> check_within(bus::Log& log, const bus::Position& checkpoint,
                                    bus::Position& log_end) {
    return bus::look_again_at_loss([&]() -> bus::Result<bus::Done> {
        const auto end = log.end_position(checkpoint.partition);
        if (!end) return end.error();
        log_end = *end;
        const auto topic = ahead_of(checkpoint, log_end);
        if (!topic) return bus::Done{};
        return bus::fail(ErrorCode::corrupt, "its checkpoint in {} is {}, past the log's end {}",
                         bus::short_name(*topic), checkpoint[*topic], log_end[*topic]);
    });
}

// Renamed first, so that a crash in between leaves no half store under the name.
bus::Result<bus::Done> drop(const fs::path& directory) {
    const fs::path dropped = directory.string() + ".dropped";
    std::error_code error;
    fs::remove_all(dropped, error);
    if (!error) fs::rename(directory, dropped, error);
    if (!error) fs::remove_all(dropped, error);
    if (error)
        return bus::fail(ErrorCode::unavailable, "drop store {}: {}", directory.string(),
                         error.message());
    return bus::Done{};
}

// Under the store's name only when it is whole, and known to be incomplete until it has the log.
bus::Result<bus::Done> install_base(const ProjectorSetup& setup, const Base& base,
                                    const bus::Position& log_end) {
    const fs::path directory = store_directory(setup, base.position.partition);
    const fs::path making = directory.string() + ".from-base";
    std::error_code error;
    fs::remove_all(making, error);
    if (auto copied = copy_base(base, making); !copied) return copied;
    {
        auto rows = RowStore::open({.directory = making, .partition = base.position.partition},
                                   setup.shared);
        if (!rows) return rows.error();
        auto put = (*rows)->put_meta(catalogue_meta, base.catalogue.text());
        if (put) put = (*rows)->put_meta(complete_meta, bus::encode_checkpoint(log_end));
        if (put) put = (*rows)->flush();
        if (!put) return put;
    }
    bus::crash_point("base.copied");
    fs::rename(making, directory, error);
    if (error)
        return bus::fail(ErrorCode::unavailable, "rename {}: {}", making.string(), error.message());
    bus::crash_point("base.installed");
    bus::logging::info("store_from_base",
                       {{"partition", base.position.partition}, {"base", to_string(base)}});
    return bus::Done{};
}

// Rows that have not seen what has expired can never see it: they begin anew, with the base.
Opened not_below_base(const ProjectorSetup& setup, bus::PartitionId partition, Opened rows,
                      const bus::Position& log_end) {
    if (!rows) return rows;
    const auto base = find_base(setup, partition);
    if (!base) return base.error();
    if (!*base || is_past((*rows)->checkpoint(), **base)) return rows;
    const bool empty = (*rows)->checkpoint() == bus::Position{.partition = partition};
    rows->reset();
    if (empty) {
        if (auto dropped = drop(store_directory(setup, partition)); !dropped)
            return dropped.error();
    } else if (auto aside = set_store_aside(setup, partition,
                                            "its checkpoint lies before records that have expired");
               !aside) {
        return aside.error();
    }
    if (auto installed = install_base(setup, **base, log_end); !installed) return installed.error();
    return open_rows(setup, partition);
}

bus::Result<PartitionStore> with_catalogue(std::unique_ptr<RowStore> rows,
                                           GenerationCatalogue catalogue) {
    if (auto put = write_catalogue(*rows, catalogue); !put) return put.error();
    return PartitionStore{std::move(rows), std::move(catalogue), {}};
}

// Of a build before there were generations: nothing in it says what its rows are.
bus::Result<std::unique_ptr<RowStore>> emptied(const ProjectorSetup& setup,
                                               bus::PartitionId partition,
                                               std::unique_ptr<RowStore> rows) {
    bus::logging::info("store_rebuild", {{"partition", partition}, {"changed", "all"}});
    rows.reset();
    if (auto dropped = drop(store_directory(setup, partition)); !dropped) return dropped.error();
    return open_rows(setup, partition);
}

bus::Error refused(bus::PartitionId partition, const std::string& changed) {
    return bus::fail(ErrorCode::invalid_input,
                     "partition {}: the rows of {} were made by other code; start with "
                     "--on-change rebuild to build them anew, with --on-change keep to read them "
                     "as they are, or start the program that made them",
                     partition, changed);
}

// What is read now and would be built anew begins with the base, if there is one. Where it may not,
// its rows are the only ones, and the store is left alone as with `refuse`.
bus::Result<bus::Done> check_can_be_built(const ProjectorSetup& setup, RowStore& rows,
                                          const GenerationCatalogue& stored,
                                          const GenerationCatalogue& now) {
    const bus::PartitionId partition = rows.checkpoint().partition;
    std::vector<StoredGeneration> anew;
    std::string with_rows;
    const auto snapshot = rows.snapshot();
    for (const StoredGeneration& one : now.in_state(GenerationState::building)) {
        const StoredGeneration* before = stored.find(one.name);
        if (!before || before->state == GenerationState::building) continue;
        anew.push_back(one);
        if (has_rows(*snapshot, instance_prefix(before->instance))) with_rows = one.name.projection;
    }
    if (snapshot->failure()) return *snapshot->failure();
    if (anew.empty()) return bus::Done{};
    const auto begun = rows.get_meta(begun_meta);
    if (!begun) return begun.error();
    const auto lost = lost_history(setup, partition, *begun);
    if (!lost) return lost.error();
    if (*lost && !with_rows.empty())
        return bus::fail(
            ErrorCode::invalid_input,
            "the rows of {} were made by other code and cannot be made anew: {}. Start "
            "the program that made them, or this one with --on-change keep; to give up "
            "the rows of what is lost, move {} away",
            with_rows, **lost, store_directory(setup, partition).string());
    const auto base = find_base(setup, partition);
    if (!base) return base.error();
    if (!*base) return bus::Done{};
    auto may = check_seed(setup, **base, anew);
    if (may || may.error().code != ErrorCode::conflict) return may;
    return bus::fail(ErrorCode::invalid_input, "{}", may.error().message);
}

// Nothing can feed rows of other code that are not read, so they go whatever was asked for.
void tell_what_goes(bus::PartitionId partition, const GenerationCatalogue& stored,
                    const GenerationCatalogue& now) {
    for (const StoredGeneration& gone : now.in_state(GenerationState::dropped)) {
        const StoredGeneration* before = stored.find(gone.name);
        if (!before || before->instance != gone.instance) continue;
        bus::logging::info(
            "generation_rows_go",
            {{"partition", partition},
             {"generation", fmt::format("{} {}", gone.name.projection, gone.name.number)},
             {"was", name(before->state)},
             {"begins_anew", now.find(gone.name) != nullptr}});
    }
}

bus::Result<PartitionStore> with_generations(const ProjectorSetup& setup,
                                             bus::PartitionId partition,
                                             std::unique_ptr<RowStore> rows) {
    const auto table = setup.registry.generations();
    const std::vector<WantedProjection> wanted = wanted_projections(setup);
    const auto text = rows->get_meta(catalogue_meta);
    if (!text) return text.error();
    const bool empty = rows->checkpoint() == bus::Position{.partition = partition};
    if (!*text && !empty) {
        Opened anew = emptied(setup, partition, std::move(rows));
        if (!anew) return anew.error();
        rows = *std::move(anew);
    }
    if (!*text || empty)
        return with_catalogue(std::move(rows), GenerationCatalogue::fresh(*table, wanted));
    const auto stored = GenerationCatalogue::parse(**text);
    if (!stored) return stored.error();
    const std::string changed = stored->changed_projections(wanted);
    if (!changed.empty()) {
        if (setup.on_change == OnChange::refuse) return refused(partition, changed);
        bus::logging::info("projections_changed", {{"partition", partition}, {"changed", changed}});
    }
    GenerationCatalogue now = stored->reconciled(*table, wanted, setup.on_change == OnChange::keep);
    if (setup.on_change == OnChange::rebuild)
        if (auto may = check_can_be_built(setup, *rows, *stored, now); !may) return may.error();
    tell_what_goes(partition, *stored, now);
    if (now.text() == **text) return PartitionStore{std::move(rows), std::move(now), {}};
    return with_catalogue(std::move(rows), std::move(now));
}

// `wanted` without the topics that have no record left: nothing of them will ever be applied.
bus::Result<bus::Position> reachable(bus::Log& log, bus::Position wanted) {
    for (std::size_t i = 0; i < bus::partitioned_topics; ++i) {
        if (wanted.next[i] == 0) continue;
        const bus::TopicPartition where{bus::topic_at(i), wanted.partition};
        const auto start = log.start_offset(where);
        if (!start) return start.error();
        const auto end = log.end_offset(where);
        if (!end) return end.error();
        if (*start >= *end) wanted.next[i] = 0;
    }
    return wanted;
}

// Kept in the store, so that a rebuild that is interrupted is still known to be incomplete.
bus::Result<PartitionStore> with_completeness(PartitionStore store, bus::Log& log,
                                              const bus::Position& log_end) {
    const bus::Position nothing{.partition = log_end.partition};
    store.complete_from = nothing;
    if (store.rows->checkpoint() == nothing) {
        if (log_end == nothing) return store;
        const auto start = log_start(log, log_end.partition);
        if (!start) return start.error();
        auto put = store.rows->put_meta(begun_meta, bus::encode_checkpoint(*start));
        if (put) put = store.rows->put_meta(complete_meta, bus::encode_checkpoint(log_end));
        if (!put) return put.error();
        store.complete_from = log_end;
    } else {
        const auto bytes = store.rows->get_meta(complete_meta);
        if (!bytes) return bytes.error();
        if (!*bytes) return store;
        const auto complete_from = bus::decode_checkpoint(**bytes);
        if (!complete_from) return complete_from.error();
        store.complete_from = *complete_from;
    }
    const auto left = reachable(log, store.complete_from);
    if (!left) return left.error();
    store.complete_from = *left;
    return store;
}

}  // namespace

fs::path store_directory(const ProjectorSetup& setup, bus::PartitionId partition) {
    return setup.stores / fmt::format("partition-{}", partition);
}

bus::Result<bus::Done> write_catalogue(RowStore& rows, const GenerationCatalogue& catalogue) {
    return rows.put_meta(catalogue_meta, catalogue.text());
}

bus::Result<bus::Done> set_store_aside(const ProjectorSetup& setup, bus::PartitionId partition,
                                       std::string_view reason) {
    const auto aside = projections::store::quarantine(store_directory(setup, partition));
    if (!aside) return aside.error();
    bus::logging::error(
        "store_quarantined",
        {{"partition", partition}, {"moved_to", aside->string()}, {"reason", reason}});
    return bus::Done{};
}

bus::Result<std::vector<fs::path>> stores_set_aside(const ProjectorSetup& setup,
                                                    bus::PartitionId partition) {
    const std::string front = store_directory(setup, partition).filename().string() +
                              std::string{projections::store::quarantined_infix};
    auto found = bus::entries_of(setup.stores);
    if (!found) return found;
    std::erase_if(*found,
                  [&](const fs::path& one) { return !one.filename().string().starts_with(front); });
    return found;
}

bus::Result<PartitionStore> open_partition_store(const ProjectorSetup& setup,
                                                 bus::PartitionId partition) {
    auto log_end = setup.log.end_position(partition);  // or nothing is touched
    if (!log_end) return log_end.error();
    Opened rows = open_sound(setup, partition);
    if (!rows) return rows.error();
    if (auto within = check_within(setup.log, (*rows)->checkpoint(), *log_end); !within) {
        if (within.error().code != ErrorCode::corrupt) return within.error();
        rows->reset();
        rows = reopened(setup, partition, within.error());
        if (!rows) return rows.error();
    }
    rows = not_below_base(setup, partition, std::move(rows), *log_end);
    if (!rows) return rows.error();
    auto store = with_generations(setup, partition, *std::move(rows));
    if (!store && store.error().code == ErrorCode::corrupt) {
        rows =
            not_below_base(setup, partition, reopened(setup, partition, store.error()), *log_end);
        if (!rows) return rows.error();
        store = with_generations(setup, partition, *std::move(rows));
    }
    if (!store) return store;
    return with_completeness(*std::move(store), setup.log, *log_end);
}

}  // namespace consumers
