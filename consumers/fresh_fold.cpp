#include "consumers/fresh_fold.hpp"

#include "bus/crash_point.hpp"
#include "consumers/lost_history.hpp"
#include "consumers/scratch_folder.hpp"
#include "consumers/store_target.hpp"
#include "consumers/tenant_rows.hpp"

namespace consumers {

using bus::Done;
using bus::ErrorCode;
using bus::Result;
using projections::store::RowStore;
using projections::store::Snapshot;

namespace {

namespace fs = std::filesystem;

constexpr std::size_t batch_records = 4'096;
constexpr std::size_t batch_bytes = 16 << 20;
constexpr std::size_t cached_rows_max = 50'000;
constexpr std::uint64_t close_records = 256;  // so few that the projector may wait for them
constexpr int rounds_max = 50;

// The keys of one range, a page at a time: two snapshots are walked side by side.
class Cursor {
public:
    Cursor(const Snapshot& rows, std::uint8_t table, const std::string& prefix)
        : rows_(rows), table_(table), from_(prefix), to_(projections::prefix_end(prefix)) {
        fill();
    }
    bool at_end() const { return next_ == page_.size(); }
    const std::string& key() const { return page_[next_].first; }
    const std::string& value() const { return page_[next_].second; }
    void advance() {
        if (++next_ < page_.size() || !more_) return;
        from_ = page_.back().first + '\0';
        fill();
    }

private:
    static constexpr std::size_t page_keys = 512;

    void fill() {
        page_.clear();
        next_ = 0;
        more_ = false;
        rows_.scan(table_, from_, to_, false, [&](std::string_view key, std::string_view value) {
            page_.emplace_back(key, value);
            more_ = page_.size() == page_keys;
            return !more_;
        });
    }

    const Snapshot& rows_;
    const std::uint8_t table_;
    std::string from_;
    const std::string to_;
    std::vector<std::pair<std::string, std::string>> page_;
    std::size_t next_ = 0;
    bool more_ = false;
};

class ScratchFold final : public FreshFold {
public:
    ScratchFold(const ProjectorSetup& setup, bus::PartitionId partition,
                const GenerationCatalogue& catalogue, std::optional<bus::TenantId> only,
                fs::path directory)
        : setup_(setup),
          partition_(partition),
          catalogue_(catalogue),
          only_(only),
          directory_(std::move(directory)) {}
    ~ScratchFold() override {
        folding_.reset();
        target_.reset();
        rows_.reset();
        if (folder_ && !kept_) remove();
    }

    const std::optional<Base>& base() const override { return base_; }
    bus::Timestamp newest_ingest_time() const override {
        return folding_->records().newest_ingest_time();
    }
    Result<Done> keep() override {
        if (auto flushed = rows_->flush(); !flushed) return flushed;
        folding_.reset();
        target_.reset();
        rows_.reset();
        kept_ = true;
        return Done{};
    }

    Result<Done> open() {
        auto folder = ScratchFolder::take(directory_);
        if (!folder) return folder.error();
        folder_.emplace(*std::move(folder));
        remove();
        auto base = find_base(setup_, partition_);
        if (!base) return base.error();
        base_ = *std::move(base);
        auto rows = open_rows();
        if (!rows) return rows.error();
        rows_ = *std::move(rows);
        target_ = std::make_unique<StoreTarget>(*rows_);
        folding_ = std::make_unique<LogFolding>(
            setup_, partition_, narrowed_feeds(), catalogue_.dedup(), *target_, more_,
            LogFolding::Options{.batch_records_max = batch_records,
                                .batch_bytes_max = batch_bytes,
                                .cached_rows_max = cached_rows_max});
        return Done{};
    }

    Result<Done> fold_until(const bus::Position& end, BuildWatch& watch) override {
        for (;;) {
            if (!watch.go_on()) return bus::fail(ErrorCode::cancelled, "stopped");
            const auto applied = folding_->step_until(end);
            if (!applied) return applied.error();
            if (*applied == 0) return Done{};
            watch.advance(*applied);
        }
    }

    Result<std::uint64_t> compare(const Snapshot& live,
                                  const std::function<bool(const RowDifference&)>& visit) override {
        const auto fresh = rows_->snapshot();
        std::uint64_t keys = 0;
        bool go_on = true;
        for (const StoredGeneration& one : catalogue_.all()) {
            if (!one.is_fed()) continue;
            for (std::uint8_t table = 0; go_on && table < table_names.size(); ++table)
                go_on = compare(*fresh, live, one, table, keys, visit);
        }
        if (fresh->failure()) return *fresh->failure();
        if (live.failure()) return *live.failure();
        return keys;
    }

private:
    Result<std::unique_ptr<RowStore>> open_rows() {
        const projections::store::StoreOptions options{
            .directory = directory_, .partition = partition_, .bulk = true};
        std::vector<StoredGeneration> fed;
        for (const StoredGeneration& one : catalogue_.all())
            if (one.is_fed()) fed.push_back(one);
        if (base_) return begin_with_base(setup_, *base_, fed, options);
        return RowStore::open(options, setup_.shared);
    }

    void remove() {
        std::error_code ignored;  // a left-over is removed at the next beginning
        fs::remove_all(directory_, ignored);
    }

    std::vector<Feed> narrowed_feeds() const {
        std::vector<Feed> feeds;
        for (Feed& feed : catalogue_.feeds(wanted_projections(setup_))) {
            if (only_ && !feed.spec->builds(*only_)) continue;
            if (only_) {
                auto spec = std::make_shared<schemas::ReplaySpec>(*feed.spec);
                spec->tenant = only_;
                feed.spec = std::move(spec);
            }
            feeds.push_back(std::move(feed));
        }
        return feeds;
    }

    std::string prefix_of(projections::InstanceId instance) const {
        return only_ ? projections::complete_key(instance, *only_, "") : instance_prefix(instance);
    }

    bool compare(const Snapshot& fresh, const Snapshot& live, const StoredGeneration& generation,
                 std::uint8_t table, std::uint64_t& keys,
                 const std::function<bool(const RowDifference&)>& visit) const {
        Cursor wanted(fresh, table, prefix_of(generation.instance));
        Cursor there(live, table, prefix_of(generation.instance));
        for (; !wanted.at_end() || !there.at_end(); ++keys) {
            const bool only_wanted =
                there.at_end() || (!wanted.at_end() && wanted.key() < there.key());
            const bool only_there = !only_wanted && (wanted.at_end() || there.key() < wanted.key());
            const bool alike = !only_wanted && !only_there && wanted.value() == there.value();
            RowDifference difference{
                .generation = generation.name, .table = table, .key = {}, .fresh = {}};
            if (!alike) {
                difference.key = only_there ? there.key() : wanted.key();
                if (!only_there) difference.fresh = wanted.value();
                difference.is_live = !only_wanted;
            }
            if (!only_there) wanted.advance();
            if (!only_wanted) there.advance();
            if (!alike && !visit(difference)) return false;
        }
        return true;
    }

    const ProjectorSetup& setup_;
    const bus::PartitionId partition_;
    const GenerationCatalogue catalogue_;
    const std::optional<bus::TenantId> only_;
    const fs::path directory_;
    std::optional<ScratchFolder> folder_;  // until this ends, also when it is kept
    std::optional<Base> base_;
    bool kept_ = false;
    bus::Signal more_;
    std::unique_ptr<RowStore> rows_;
    std::unique_ptr<StoreTarget> target_;
    std::unique_ptr<LogFolding> folding_;
};

std::uint64_t distance(const bus::Position& from, const bus::Position& to) {
    std::uint64_t records = 0;
    for (std::size_t i = 0; i < bus::partitioned_topics; ++i)
        records += to.next[i] - std::min(from.next[i], to.next[i]);
    return records;
}

// Rows that are not complete yet tell nothing of those that nobody feeds.
Result<Done> check_none_frozen(const ProjectorPool& pool, bus::PartitionId partition,
                               bus::TenantId tenant, const GenerationCatalogue& catalogue) {
    if (catalogue.in_state(GenerationState::frozen).empty()) return Done{};
    const auto all = pool.all_rows(partition);
    if (!all) return all.error();
    for (const StoredGeneration& one : all->catalogue.in_state(GenerationState::frozen))
        if (has_rows(*all->rows, projections::complete_key(one.instance, tenant, "")))
            return bus::fail(ErrorCode::unavailable,
                             "the rows of {} in partition {} are kept as other code made them, "
                             "and cannot be made anew: start with --on-change rebuild, or the "
                             "program that made them, and this goes on",
                             one.name.projection, partition);
    if (all->rows->failure()) return *all->rows->failure();
    return Done{};
}

// A row that the log has no record of any more would be taken for one that should not be there.
Result<Done> check_none_lost(const ProjectorPool& pool, bus::PartitionId partition,
                             bus::TenantId tenant) {
    const auto lost = lost_history(pool, partition);
    if (!lost) return lost.error();
    if (!*lost) return Done{};
    const auto counted = count_tenant_rows(pool, partition, tenant);
    if (!counted) return counted.error();
    if (*counted == RowCounts{}) return Done{};
    return bus::fail(ErrorCode::unavailable,
                     "the client's rows cannot be made anew: {}. To give up the rows of what is "
                     "lost, stop, move {} away and start; this goes on then. Or erase the client",
                     **lost,
                     (pool.setup().stores / fmt::format("partition-{}", partition)).string());
}

Result<RowCounts> write_differences(FreshFold& fold, RowStore& rows) {
    RowCounts changed{};
    std::vector<RowDifference> differences;
    const auto compared = fold.compare(*rows.snapshot(), [&](const RowDifference& one) {
        changed[one.table] += 1;
        differences.push_back(one);
        return true;
    });
    if (!compared) return compared.error();
    std::vector<projections::store::StoreWrite> writes;
    writes.reserve(differences.size());
    for (const RowDifference& one : differences)
        writes.push_back({one.table, one.key,
                          one.fresh ? std::optional<std::string_view>{*one.fresh} : std::nullopt});
    bus::crash_point("refold.before_write");
    if (auto written = rows.commit(writes, rows.checkpoint()); !written) return written.error();
    bus::crash_point("refold.written");
    return changed;
}

}  // namespace

Result<std::unique_ptr<FreshFold>> FreshFold::begin(const ProjectorSetup& setup,
                                                    bus::PartitionId partition,
                                                    const GenerationCatalogue& catalogue,
                                                    std::optional<bus::TenantId> only,
                                                    fs::path directory) {
    auto fold =
        std::make_unique<ScratchFold>(setup, partition, catalogue, only, std::move(directory));
    if (auto opened = fold->open(); !opened) return opened.error();
    return std::unique_ptr<FreshFold>(std::move(fold));
}

Result<RowCounts> refold_tenant(ProjectorPool& pool, bus::PartitionId partition,
                                bus::TenantId tenant, BuildWatch& watch) {
    const auto catalogue = pool.catalogue(partition);
    if (!catalogue) return catalogue.error();
    if (!catalogue->in_state(GenerationState::building).empty())
        return bus::fail(ErrorCode::conflict, "a generation is being built in partition {}",
                         partition);
    if (auto fed = check_none_frozen(pool, partition, tenant, *catalogue); !fed) return fed.error();
    if (auto whole = check_none_lost(pool, partition, tenant); !whole) return whole.error();
    auto fold =
        FreshFold::begin(pool.setup(), partition, *catalogue, tenant,
                         pool.setup().stores / fmt::format("partition-{}.refold", partition));
    if (!fold) return fold.error();
    bus::Position reached{.partition = partition};
    for (int round = 0; round < rounds_max; ++round) {
        const bus::Position end = pool.position(partition);
        if (round > 0 && distance(reached, end) <= close_records) break;
        if (auto folded = (*fold)->fold_until(end, watch); !folded) return folded.error();
        reached = end;
    }
    auto paused = pool.pause(partition);
    if (!paused) return paused.error();
    if (paused->projector().catalogue().text() != catalogue->text())
        return bus::fail(ErrorCode::conflict, "the generations of partition {} changed meanwhile",
                         partition);
    // All of its rows go, before this or after it: what was folded may be of bodies from before.
    if (schemas::TenantErasures(pool.setup().registry, tenant).all()) return RowCounts{};
    RowStore& rows = paused->projector().store();
    if (auto folded = (*fold)->fold_until(rows.checkpoint(), watch); !folded) return folded.error();
    auto changed = write_differences(**fold, rows);
    if (!changed) return changed.error();
    // What the projector has decoded is of before.
    if (auto again = paused->change_catalogue(*catalogue); !again) return again.error();
    if (auto flushed = rows.flush(); !flushed) return flushed.error();
    return changed;
}

}  // namespace consumers
