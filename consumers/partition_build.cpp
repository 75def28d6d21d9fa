#include "consumers/partition_build.hpp"

#include "bus/crash_point.hpp"
#include "bus/logging.hpp"
#include "consumers/store_target.hpp"
#include "projections/store/sorted_files.hpp"

#include <thread>

namespace consumers {

namespace {

namespace fs = std::filesystem;
using bus::Done;
using bus::ErrorCode;
using bus::Result;
using projections::store::RowStore;

constexpr std::string_view identity_meta = "building";  // of the side store
constexpr std::uint64_t near_records = 20'000;  // of the live rows: time to move into their store
constexpr std::uint64_t close_records = 256;    // so few that the projector may wait for them
constexpr int rounds_max = 50;                  // then it waits for what is left, however much
constexpr bus::milliseconds rest{20};
constexpr std::size_t batch_records = 4'096;  // larger than live ones: nobody waits for them
constexpr std::size_t batch_bytes = 16 << 20;

// The seen hashes as of where the build is stand under instances of their own, which no generation
// gets: those of the live rows are ahead of it, and would make a record a copy of itself.
projections::InstanceId dedup_of(BuildScope scope) {
    return scope == BuildScope::candidates ? 0xFFFE : 0xFFFD;
}

std::string identity_of(const std::vector<StoredGeneration>& building,
                        const std::optional<Base>& base, BuildScope scope) {
    std::string text = fmt::format("{} {}\n", dedup_name, dedup_of(scope));
    for (const StoredGeneration& one : building)
        text += fmt::format("{} {} {} {}\n", one.name.projection, one.name.number, one.instance,
                            one.fingerprint);
    // Earlier programs wrote "base N", and began without the hashes that the base had seen.
    if (base) text += fmt::format("base-with-hashes {}\n", base->number);
    return text;
}

std::string mark(const bus::Position& position, const std::string& identity) {
    return bus::encode_checkpoint(position) + identity;
}

std::optional<bus::Position> position_of(std::string_view mark, std::string_view identity) {
    if (mark.size() <= identity.size() || !mark.ends_with(identity)) return std::nullopt;
    const auto position = bus::decode_checkpoint(mark.substr(0, mark.size() - identity.size()));
    return position ? std::optional{*position} : std::nullopt;
}

std::vector<std::string> prefixes_of(const std::vector<StoredGeneration>& building,
                                     BuildScope scope) {
    std::vector<std::string> prefixes{instance_prefix(dedup_of(scope))};
    for (const StoredGeneration& one : building) prefixes.push_back(instance_prefix(one.instance));
    return prefixes;
}

bool is_reached(const bus::Position& wanted, const bus::Position& by) {
    for (std::size_t i = 0; i < bus::partitioned_topics; ++i)
        if (by.next[i] < wanted.next[i]) return false;
    return true;
}

// `built` without the topics of which the log has nothing left of it: rows that were begun anew
// never apply that.
Result<bus::Position> still_in_log(bus::Log& log, bus::Position built) {
    for (std::size_t i = 0; i < bus::partitioned_topics; ++i) {
        if (built.next[i] == 0) continue;
        const auto start = log.start_offset({bus::topic_at(i), built.partition});
        if (!start) return start.error();
        if (*start >= built.next[i]) built.next[i] = 0;
    }
    return built;
}

Result<Done> remove_folder(const fs::path& directory) {
    std::error_code error;
    fs::remove_all(directory, error);
    if (error)
        return bus::fail(ErrorCode::unavailable, "remove {}: {}", directory.string(),
                         error.message());
    return Done{};
}

}  // namespace

// --- pace

Result<Done> BuildPace::go_on() {
    std::error_code error;
    const auto space = fs::space(pool_.setup().stores, error);
    if (!error && space.available < limits_.free_bytes_min)
        return bus::fail(ErrorCode::unavailable,
                         "the build rests: {} MiB are free, it leaves {} MiB to everything else; "
                         "free space, and resume it where it is a replay",
                         space.available >> 20, limits_.free_bytes_min >> 20);
    do {
        if (!watch_.go_on())
            return bus::fail(ErrorCode::cancelled, "the build was stopped; it can be resumed");
        const auto ahead = ahead_of_rate();
        if (ahead > rest)
            std::this_thread::sleep_for(rest);
        else if (ahead.count() > 0)
            std::this_thread::sleep_for(ahead);
        if (live_rows_fall_behind()) std::this_thread::sleep_for(rest);
    } while (ahead_of_rate().count() > 0);
    return Done{};
}

bool BuildPace::live_rows_fall_behind() {
    for (const PartitionStatus& one : pool_.status())
        if (one.lag_known && one.lag_records > limits_.live_lag_max) return true;
    return false;
}

std::chrono::steady_clock::duration BuildPace::ahead_of_rate() const {
    using Clock = std::chrono::steady_clock;
    if (limits_.records_per_second_max == 0) return Clock::duration{0};
    const std::chrono::duration<double> due{static_cast<double>(records_) /
                                            static_cast<double>(limits_.records_per_second_max)};
    return std::chrono::duration_cast<Clock::duration>(due) - (Clock::now() - start_);
}

void BuildPace::applied(std::size_t records) {
    records_ += records;
    watch_.advance(records);
}

// --- where rows go

class PartitionBuild::LiveTarget final : public FoldTarget {
public:
    LiveTarget(projections::store::InstanceWriter& rows, std::string mark_meta,
               std::string identity, const bus::Position& position)
        : rows_(rows),
          mark_meta_(std::move(mark_meta)),
          identity_(std::move(identity)),
          position_(position) {}

    bus::Position position() const override { return position_; }
    Result<Done> commit(const std::vector<projections::store::StoreWrite>& writes,
                        const bus::Position& position) override {
        auto written = rows_.commit(writes, mark_meta_, mark(position, identity_));
        if (written) position_ = position;
        return written;
    }

private:
    Result<std::optional<std::string>> read(std::uint8_t table, std::string_view key) override {
        return rows_.get(table, key);
    }
    projections::store::InstanceWriter& rows_;
    const std::string mark_meta_;
    const std::string identity_;
    bus::Position position_;
};

// --- the steps

PartitionBuild::PartitionBuild(ProjectorPool& pool, bus::PartitionId partition, BuildScope scope,
                               BuildPace& pace)
    : pool_(pool),
      partition_(partition),
      scope_(scope),
      directory_(building_directory(pool.setup(), partition, scope)),
      mark_meta_(building_mark(scope)),
      pace_(pace) {}

PartitionBuild::~PartitionBuild() = default;

Result<Done> PartitionBuild::run() {
    if (auto planned = plan(); !planned) return planned;
    if (building_.empty()) {
        remove_side_store();
        return erase_dedup();
    }
    const auto moved = is_in_live_store();
    if (!moved) return moved.error();
    if (!*moved) {
        live_.reset();  // one that is set aside meanwhile opens anew once nobody has it
        if (auto filled = fill_side_store(); !filled) return filled;
    }
    if (auto caught_up = catch_up(); !caught_up) return caught_up;
    if (auto handed_over = hand_over(); !handed_over) return handed_over;
    remove_side_store();
    return erase_dedup();
}

Result<Done> PartitionBuild::plan() {
    auto catalogue = pool_.catalogue(partition_);
    if (!catalogue) return catalogue.error();
    building_ = building_in(*catalogue, scope_);
    auto base = find_base(pool_.setup(), partition_);
    if (!base) return base.error();
    base_ = *std::move(base);
    identity_ = identity_of(building_, base_, scope_);
    return open_live();
}

// Under the instances of one that was begun anew meanwhile may stand what others read. While this
// has it open, none is.
Result<Done> PartitionBuild::open_live() {
    auto live = pool_.instance_writer(partition_);
    if (!live) return live.error();
    live_ = *std::move(live);
    const auto catalogue = pool_.catalogue(partition_);
    if (!catalogue) return catalogue.error();
    if (identity_of(building_in(*catalogue, scope_), base_, scope_) == identity_) return Done{};
    live_.reset();
    return bus::fail(ErrorCode::unavailable,
                     "partition {}: its rows were begun anew while others were built beside them; "
                     "try again, and resume it where it is a replay",
                     partition_);
}

Result<bool> PartitionBuild::is_in_live_store() {
    const auto text = live_->get_meta(mark_meta_);
    if (!text) return text.error();
    const auto position = *text ? position_of(**text, identity_) : std::nullopt;
    if (!position) return false;
    live_target_ = std::make_unique<LiveTarget>(*live_, mark_meta_, identity_, *position);
    return true;
}

std::unique_ptr<LogFolding> PartitionBuild::folding_onto(FoldTarget& target) {
    std::vector<Feed> feeds;
    for (const WantedProjection& one : wanted_projections(pool_.setup()))
        for (const StoredGeneration& stored : building_)
            if (stored.name.projection == one.projection->name())
                feeds.push_back({one.projection, stored.instance, stored.spec});
    return std::make_unique<LogFolding>(
        pool_.setup(), partition_, std::move(feeds), dedup_of(scope_), target, more_,
        LogFolding::Options{.batch_records_max = batch_records,
                            .batch_bytes_max = batch_bytes,
                            .cached_rows_max = pace_.limits().cached_rows_max});
}

Result<std::unique_ptr<RowStore>> PartitionBuild::open_side_store() {
    for (int attempt = 0;; ++attempt) {
        auto side = RowStore::open({.directory = directory_,
                                    .partition = partition_,
                                    .memtable_bytes = pace_.limits().memtable_bytes,
                                    .bulk = true},
                                   pool_.setup().shared);
        if (side) {
            const auto identity = (*side)->get_meta(identity_meta);
            if (identity && *identity == identity_) return side;
            const bool empty = identity && !*identity &&
                               (*side)->checkpoint() == bus::Position{.partition = partition_};
            if (empty) {
                if (auto put = (*side)->put_meta(identity_meta, identity_); !put)
                    return put.error();
                return side;
            }
            side->reset();
        }
        if (attempt > 0 || (!side && side.error().code != ErrorCode::corrupt &&
                            side.error().code != ErrorCode::invalid_input))
            return side ? bus::fail(ErrorCode::unavailable, "{} cannot be begun anew",
                                    directory_.string())
                        : side.error();
        // Of another build, or damaged: the log has everything.
        if (auto removed = remove_folder(directory_); !removed) return removed.error();
    }
}

// After a power cut the live rows may be older than what was built, and so are those begun anew.
Result<Done> PartitionBuild::wait_for_live_rows(const bus::Position& built) {
    while (!is_reached(built, pool_.position(partition_))) {
        const auto left = still_in_log(pool_.setup().log, built);
        if (!left) return left.error();
        if (is_reached(*left, pool_.position(partition_))) return Done{};
        const PartitionStatus live = pool_.status().at(partition_);
        if (live.state == PartitionState::stopped)
            return bus::fail(ErrorCode::unavailable, "partition {} is stopped: {}", partition_,
                             live.reason);
        if (auto on = pace_.go_on(); !on) return on;
        std::this_thread::sleep_for(rest);
    }
    return Done{};
}

// Everything that the live rows have by now.
Result<std::uint64_t> PartitionBuild::follow(LogFolding& folding, const FoldTarget& target) {
    if (auto reached = wait_for_live_rows(target.position()); !reached) return reached.error();
    const bus::Position end = pool_.position(partition_);
    std::uint64_t sum = 0;
    for (;;) {
        if (auto on = pace_.go_on(); !on) return on.error();
        const auto applied = folding.step_until(end);
        if (!applied) return applied.error();
        if (*applied == 0) return sum;
        sum += *applied;
        pace_.applied(*applied);
        bus::crash_point("build.stepped");
    }
}

// What has expired is not there to be taken anew: its rows stay as they were.
Result<Done> PartitionBuild::begin_with_base(RowStore& side) {
    if (!base_ || side.checkpoint() != bus::Position{.partition = partition_}) return Done{};
    bus::logging::info("build_from_base", {{"partition", partition_}, {"base", to_string(*base_)}});
    std::vector<StoredGeneration> seeded = building_;
    seeded.push_back(dedup_generation(dedup_of(scope_)));  // copies of what has expired may follow
    return seed_from_base(pool_.setup(), *base_, seeded, side);
}

Result<Done> PartitionBuild::fill_side_store() {
    auto side = open_side_store();
    if (!side) return side.error();
    bus::crash_point("build.opened");
    if (auto begun = begin_with_base(**side); !begun) return begun;
    StoreTarget target(**side);
    Result<Done> filled = Done{};
    {
        const std::unique_ptr<LogFolding> folding = folding_onto(target);
        for (std::uint64_t round = near_records + 1; filled && round > near_records;) {
            const auto applied = follow(*folding, target);
            if (applied)
                round = *applied;
            else
                filled = applied.error();
        }
    }
    if (!filled) {
        (void)(*side)->flush();  // else what was done since the last one is done again
        return filled;
    }
    bus::crash_point("build.filled");
    return move_rows(**side);
}

Result<Done> PartitionBuild::move_rows(RowStore& side) {
    const std::vector<std::string> prefixes = prefixes_of(building_, scope_);
    std::optional<bus::Error> stopped;
    const auto files =
        projections::store::write_sorted_files(*side.snapshot(), prefixes, directory_ / "sorted",
                                               *pool_.setup().shared, [&](std::uint64_t) {
                                                   if (auto on = pace_.go_on(); !on)
                                                       stopped = on.error();
                                                   return !stopped;
                                               });
    if (!files) return stopped ? *stopped : files.error();
    bus::crash_point("build.sorted");
    if (auto opened = open_live(); !opened) return opened;
    for (const std::string& prefix : prefixes)  // of a try that was killed after this
        if (auto erased = live_->erase_prefix(prefix); !erased) return erased;
    if (auto ingested = live_->ingest(*files); !ingested) return ingested;
    bus::crash_point("build.moved");
    live_target_ = std::make_unique<LiveTarget>(*live_, mark_meta_, identity_, side.checkpoint());
    auto marked = live_target_->commit({}, side.checkpoint());
    bus::crash_point("build.marked");
    return marked;
}

Result<Done> PartitionBuild::catch_up() {
    live_folding_ = folding_onto(*live_target_);
    for (int round = 0; round < rounds_max; ++round) {
        const auto applied = follow(*live_folding_, *live_target_);
        if (!applied) return applied.error();
        if (*applied <= close_records) return Done{};
    }
    return Done{};
}

Result<Done> PartitionBuild::hand_over() {
    bus::crash_point("build.caught_up");
    auto paused = pool_.pause(partition_);
    if (!paused) return paused.error();
    GenerationCatalogue next = paused->projector().catalogue();
    if (identity_of(building_in(next, scope_), base_, scope_) != identity_)
        return bus::fail(ErrorCode::conflict,
                         "partition {}: what was being built is not wanted any more", partition_);
    const bus::Position end = paused->projector().store().checkpoint();
    for (std::size_t applied = 1; applied > 0;) {
        const auto last = live_folding_->step_until(end);
        if (!last) return last.error();
        applied = *last;
        pace_.applied(applied);
    }
    // A mark that outlived its build could be taken for that of another one.
    if (auto unmarked = live_->commit({}, mark_meta_, ""); !unmarked) return unmarked;
    bus::crash_point("build.unmarked");
    for (const StoredGeneration& built : building_) next.set_built(built.instance);
    auto changed = paused->change_catalogue(std::move(next));
    bus::crash_point("build.handed_over");
    return changed;
}

// What a kill leaves of them is in nobody's way, and goes with the next build.
Result<Done> PartitionBuild::erase_dedup() {
    return live_->erase_prefix(instance_prefix(dedup_of(scope_)));
}

void PartitionBuild::remove_side_store() {
    if (auto removed = remove_folder(directory_); !removed)
        bus::logging::warn("building_left", {{"reason", removed.error().message}});
}

}  // namespace consumers
