#include "consumers/projector_pool.hpp"

#include "bus/crash_point.hpp"
#include "bus/logging.hpp"
#include "consumers/build_scope.hpp"
#include "consumers/leftovers.hpp"

#include <algorithm>

namespace consumers {

namespace {

using bus::ErrorCode;
using Steady = std::chrono::steady_clock;

constexpr bus::milliseconds idle_wait{100};
constexpr bus::milliseconds retry_delay_min{50};
constexpr bus::milliseconds retry_delay_max{5'000};
constexpr bus::seconds stalled_after{30};
constexpr bus::seconds lag_interval{1};
constexpr bus::seconds lag_believed{15};
constexpr std::uintmax_t reopen_space_min = 64 << 20;  // less: reads go on in the open store
constexpr int rebuilds_max = 3;  // per process: damage that comes back is the disk's

bool is_passing(ErrorCode code) {
    return code == ErrorCode::unavailable || code == ErrorCode::conflict ||
           code == ErrorCode::cancelled;
}

struct LogExtent {
    bus::Position start, end;
    Steady::time_point read_at{};
    bool refused = false;  // when last asked
};

std::uint64_t lag(const bus::Position& applied, const LogExtent& log) {
    std::uint64_t records = 0;
    for (std::size_t i = 0; i < bus::partitioned_topics; ++i) {
        const bus::Offset next = std::max(applied.next[i], log.start.next[i]);
        if (log.end.next[i] > next) records += log.end.next[i] - next;
    }
    return records;
}

bus::Result<LogExtent> read_extent(bus::Log& log, bus::PartitionId partition) {
    LogExtent extent;
    for (std::size_t i = 0; i < bus::partitioned_topics; ++i) {
        const bus::TopicPartition where{bus::topic_at(i), partition};
        const auto end = log.end_offset(where);
        if (!end) return end.error();
        const auto start = log.start_offset(where);
        if (!start) return start.error();
        extent.start.next[i] = *start;
        extent.end.next[i] = *end;
    }
    extent.read_at = Steady::now();
    return extent;
}

// A log that hangs says nothing at all: what is too old is not believed either.
bool is_believed(const LogExtent& log) {
    return !log.refused && Steady::now() - log.read_at < lag_believed;
}

Steady::duration rest_after(Steady::duration work, const Rests& rests) {
    if (work >= rests.large_batch) return {};
    return std::min<Steady::duration>(rests.per_work * work, rests.max);
}

bool has_space(const std::filesystem::path& directory) {
    std::error_code error;
    const std::filesystem::space_info space = std::filesystem::space(directory, error);
    return !error && space.available >= reopen_space_min;
}

}  // namespace

std::string_view name(PartitionState state) {
    switch (state) {
        case PartitionState::opening:
            return "opening";
        case PartitionState::rebuilding:
            return "rebuilding";
        case PartitionState::running:
            return "running";
        case PartitionState::retrying:
            return "retrying";
        case PartitionState::stopped:
            return "stopped";
    }
    return "unknown";
}

struct ProjectorPool::Partition {
    explicit Partition(bus::PartitionId number) : id(number), probe(number) {
        position.partition = number;
    }

    const bus::PartitionId id;
    ProjectorProbe probe;

    // Of the worker's thread.
    Steady::time_point retry_at{};
    bus::milliseconds retry_delay = retry_delay_min;
    Steady::time_point rests_until{};
    int rebuilds = 0;

    std::atomic<Steady::rep> busy_since{0};  // 0 = not in a step
    mutable std::atomic<int> awaited{0};     // readers that wait for its position

    // Held by the worker while it attends to the partition, or by a Pause. Before `mutex`.
    std::mutex stepping;
    std::atomic<int> pauses_wanted{0};  // the worker lets them go first
    Worker* worker = nullptr;

    mutable std::mutex mutex;
    mutable std::condition_variable changed;
    // Guarded by mutex; the worker alone changes the pointer and may step without the lock.
    std::unique_ptr<Projector> projector;
    PartitionState state = PartitionState::opening;
    std::string reason;
    bus::Position position;
    bus::Timestamp newest_ingest_time{};
    std::optional<LogExtent> log;  // as last read
    bool store_refused = false;
    bool tried = false;  // the first opening is over, well or not

    void tell(PartitionState now, std::string why) {
        const std::lock_guard lock(mutex);
        state = now;
        reason = std::move(why);
        tried = true;
        changed.notify_all();
    }
    bus::Result<bus::Done> is_open() const;
    bus::Result<bus::Done> is_complete() const;
    bool rests() const { return awaited == 0 && Steady::now() < rests_until; }
    void retry_later() {
        retry_at = Steady::now() + retry_delay;
        retry_delay = std::min(2 * retry_delay, retry_delay_max);
    }
    std::unique_ptr<Projector> take_projector() {
        const std::lock_guard lock(mutex);
        return std::move(projector);
    }
};

struct ProjectorPool::Worker {
    bus::Signal more;    // outlives the readers: partitions are emptied before workers go
    bus::Signal urgent;  // ends rests
    std::vector<Partition*> partitions;
    std::thread thread;

    // Until there may be something to do: `seen` and `seen_urgent` were counted before the last
    // look. Nobody is woken for records that come while their partition rests.
    void wait(std::uint64_t seen, std::uint64_t seen_urgent) const {
        auto until = Steady::now() + idle_wait;
        bool rests = false;
        bool awaited = false;
        for (const Partition* partition : partitions) {
            awaited |= partition->awaited > 0;
            if (!partition->rests()) continue;
            rests = true;
            until = std::min(until, partition->rests_until);
        }
        const auto left = std::chrono::ceil<std::chrono::microseconds>(until - Steady::now());
        if (rests && !awaited)
            urgent.wait(seen_urgent, left);
        else
            more.wait(seen, left);
    }
};

// A reader that waits for a position: its partition does not rest meanwhile.
class ProjectorPool::Awaiting {
public:
    explicit Awaiting(const Partition& partition) : partition_(partition) {
        ++partition_.awaited;
        partition_.worker->more.notify();
        partition_.worker->urgent.notify();
    }
    ~Awaiting() { --partition_.awaited; }
    Awaiting(const Awaiting&) = delete;
    Awaiting& operator=(const Awaiting&) = delete;

private:
    const Partition& partition_;
};

ProjectorPool::ProjectorPool(ProjectorSetup setup, std::size_t threads_max)
    : setup_(std::move(setup)) {
    remove_leftovers(setup_);
    const bus::PartitionId count = setup_.log.partitions();
    const std::size_t cores = std::max(1u, std::thread::hardware_concurrency());
    const std::size_t threads =
        std::max<std::size_t>(1, std::min({cores, threads_max, std::size_t{count}}));
    for (std::size_t i = 0; i < threads; ++i) workers_.push_back(std::make_unique<Worker>());
    for (bus::PartitionId id = 0; id < count; ++id) {
        partitions_.push_back(std::make_unique<Partition>(id));
        workers_[id % threads]->partitions.push_back(partitions_.back().get());
        partitions_.back()->worker = workers_[id % threads].get();
    }
    for (const auto& worker : workers_)
        worker->thread = std::thread([this, &worker = *worker] { run(worker); });
    sampler_ = std::thread([this] { sample_lags(); });
}

ProjectorPool::~ProjectorPool() {
    stop();
}

void ProjectorPool::stop() {
    stopping_ = true;
    stop_sampling_.notify();
    for (const auto& worker : workers_) {
        worker->more.notify();
        worker->urgent.notify();
    }
    for (const auto& worker : workers_)
        if (worker->thread.joinable()) worker->thread.join();
    if (sampler_.joinable()) sampler_.join();
    for (const auto& partition : partitions_) {
        const std::unique_ptr<Projector> closing = partition->take_projector();
        partition->tell(PartitionState::stopped, "shutting down");
    }
}

void ProjectorPool::run(Worker& worker) {
    while (!stopping_) {
        const std::uint64_t seen = worker.more.count();
        const std::uint64_t urgent = worker.urgent.count();
        bool worked = false;
        for (Partition* partition : worker.partitions)
            if (!stopping_) worked |= attend(*partition, worker.more);
        if (!worked && !stopping_) worker.wait(seen, urgent);
    }
}

// True when there may be more to do at once.
bool ProjectorPool::attend(Partition& partition, bus::Signal& more) {
    if (partition.pauses_wanted > 0 || partition.rests()) return false;
    const std::unique_lock stepping(partition.stepping, std::try_to_lock);
    if (!stepping) return false;
    if (partition.state == PartitionState::stopped || Steady::now() < partition.retry_at)
        return false;
    if (partition.projector && partition.projector->store_closed_to_writes()) {
        if (!has_space(setup_.stores)) {
            partition.retry_later();
            return false;
        }
        partition.take_projector().reset();
    }
    if (!partition.projector) {
        open(partition, more);
        return partition.projector != nullptr;
    }
    const Steady::time_point began = Steady::now();
    partition.busy_since = began.time_since_epoch().count();
    const bus::Result<std::size_t> applied = partition.projector->step();
    partition.busy_since = 0;
    if (!applied) {
        step_failed(partition, applied.error());
        return false;
    }
    if (*applied == 0 && partition.state == PartitionState::running) return false;
    const Steady::time_point now = Steady::now();
    if (*applied > 0) partition.rests_until = now + rest_after(now - began, setup_.rests);
    const std::lock_guard lock(partition.mutex);
    partition.position = partition.projector->store().checkpoint();
    partition.newest_ingest_time = partition.projector->newest_ingest_time();
    const bool complete = partition.position.covers(partition.projector->complete_from());
    partition.state = complete ? PartitionState::running : PartitionState::rebuilding;
    partition.reason.clear();
    partition.retry_delay = retry_delay_min;
    partition.changed.notify_all();
    return *applied > 0;
}

void ProjectorPool::open(Partition& partition, bus::Signal& more) {
    auto store = open_partition_store(setup_, partition.id);
    if (!store) {
        {
            const std::lock_guard lock(partition.mutex);
            partition.store_refused = store.error().code == ErrorCode::invalid_input;
        }
        return step_failed(partition, store.error());
    }
    if (!partition.tried)  // later a builder may have it open
        if (auto removed = remove_ended_builds(setup_, partition.id, store->catalogue); !removed)
            bus::logging::warn("ended_build_stays", {{"reason", removed.error().message}});
    auto projector = std::make_unique<Projector>(setup_, partition.id, *std::move(store), more);
    const std::lock_guard lock(partition.mutex);
    partition.position = projector->store().checkpoint();
    const bool complete = partition.position.covers(projector->complete_from());
    partition.state = complete ? PartitionState::running : PartitionState::rebuilding;
    partition.reason.clear();
    partition.projector = std::move(projector);
    partition.tried = true;
    partition.changed.notify_all();
}

void ProjectorPool::step_failed(Partition& partition, const bus::Error& error) {
    if (is_passing(error.code)) {
        bus::logging::warn("projector_waits",
                           {{"partition", partition.id}, {"reason", error.message}});
        partition.retry_later();
        return partition.tell(PartitionState::retrying, error.message);
    }
    if (partition.projector && partition.projector->store_damaged() &&
        partition.rebuilds < rebuilds_max)
        return rebuild(partition, error);
    bus::logging::error(
        "projector_stopped",
        {{"partition", partition.id}, {"code", bus::name(error.code)}, {"reason", error.message}});
    if (partition.projector && partition.projector->store_damaged())
        partition.take_projector().reset();  // not to be served
    partition.tell(PartitionState::stopped, error.message);
}

void ProjectorPool::rebuild(Partition& partition, const bus::Error& error) {
    ++partition.rebuilds;
    partition.probe.rebuilt();
    ++stores_rebuilt_;
    partition.take_projector().reset();
    partition.tell(PartitionState::opening, error.message);
    if (auto aside = set_store_aside(setup_, partition.id, error.message); !aside)
        step_failed(partition, aside.error());
}

bool ProjectorPool::wait_opened(bus::milliseconds wait_max) const {
    const auto deadline = Steady::now() + wait_max;
    return std::all_of(partitions_.begin(), partitions_.end(), [&](const auto& partition) {
        std::unique_lock lock(partition->mutex);
        return partition->changed.wait_until(lock, deadline, [&] { return partition->tried; });
    });
}

bool ProjectorPool::near_end(std::uint64_t lag_max) const {
    const std::vector<PartitionStatus> all = status();
    return std::all_of(all.begin(), all.end(), [&](const PartitionStatus& one) {
        return one.state == PartitionState::running && one.lag_known && one.lag_records <= lag_max;
    });
}

bus::Position ProjectorPool::position(bus::PartitionId partition) const {
    const Partition& wanted = *partitions_.at(partition);
    const std::lock_guard lock(wanted.mutex);
    return wanted.position;
}

bus::Result<bool> ProjectorPool::wait_for(const bus::Position& wanted,
                                          bus::milliseconds wait_max) const {
    if (wanted.partition >= partitions_.size())
        return bus::fail(ErrorCode::invalid_input, "there is no partition {}", wanted.partition);
    const Partition& partition = *partitions_[wanted.partition];
    std::unique_lock lock(partition.mutex);
    const auto settled = [&] {
        return partition.position.covers(wanted) || partition.state == PartitionState::stopped;
    };
    if (!settled()) {
        const Awaiting awaiting(partition);
        if (!partition.changed.wait_for(lock, wait_max, settled)) return false;
    }
    if (partition.position.covers(wanted)) return true;
    return bus::fail(ErrorCode::unavailable, "partition {} is stopped: {}", partition.id,
                     partition.reason);
}

void ProjectorPool::sample_lags() {
    while (!stopping_) {
        const std::uint64_t seen = stop_sampling_.count();
        for (const auto& partition : partitions_) {
            if (stopping_) return;
            sample_lag(*partition);
        }
        for (const PartitionStatus& one : status())
            partitions_[one.partition]->probe.lagging(one.lag_records, one.lag_known);
        if (!stopping_) stop_sampling_.wait(seen, lag_interval);
    }
}

// What the log does not tell stays as it was, marked.
void ProjectorPool::sample_lag(Partition& partition) {
    auto log = read_extent(setup_.log, partition.id);
    const std::lock_guard lock(partition.mutex);
    if (log)
        partition.log = *log;
    else if (partition.log)
        partition.log->refused = true;
}

std::vector<PartitionStatus> ProjectorPool::status() const {
    std::vector<PartitionStatus> all;
    for (const auto& partition : partitions_) {
        PartitionStatus& one = all.emplace_back();
        one.partition = partition->id;
        {
            const std::lock_guard lock(partition->mutex);
            one.state = partition->state;
            one.reason = partition->reason;
            one.position = partition->position;
            one.store_refused = partition->store_refused;
            one.newest_ingest_time = partition->newest_ingest_time;
            if (partition->log) {
                one.lag_records = lag(partition->position, *partition->log);
                one.lag_known = is_believed(*partition->log);
            }
        }
        const Steady::rep busy_since = partition->busy_since;
        one.stalled =
            busy_since != 0 &&
            Steady::now() - Steady::time_point{Steady::duration{busy_since}} > stalled_after;
    }
    return all;
}

std::string ProjectorPool::statistics() const {
    std::string out;
    for (const auto& partition : partitions_) {
        const std::lock_guard lock(partition->mutex);
        if (partition->projector)
            out += fmt::format("partition={}\n{}", partition->id,
                               partition->projector->store().statistics());
    }
    return out;
}

const ProjectorPool::Partition& ProjectorPool::at(bus::PartitionId partition) const {
    return *partitions_.at(partition);
}

// With its mutex held.
bus::Result<bus::Done> ProjectorPool::Partition::is_open() const {
    if (projector) return bus::Done{};
    return bus::fail(ErrorCode::unavailable, "partition {} is {}: {}", id, name(state), reason);
}

bus::Result<bus::Done> ProjectorPool::Partition::is_complete() const {
    if (auto open = is_open(); !open) return open;
    if (position.covers(projector->complete_from())) return bus::Done{};
    return bus::fail(ErrorCode::unavailable, "partition {} is being rebuilt", id);
}

bus::Result<std::unique_ptr<projections::store::StoreUpkeep>> ProjectorPool::upkeep(
    bus::PartitionId partition) const {
    const Partition& wanted = at(partition);
    const std::lock_guard lock(wanted.mutex);
    if (auto open = wanted.is_open(); !open) return open.error();
    return wanted.projector->store().upkeep();
}

bus::Result<std::unique_ptr<projections::store::InstanceWriter>> ProjectorPool::instance_writer(
    bus::PartitionId partition) const {
    const Partition& wanted = at(partition);
    const std::lock_guard lock(wanted.mutex);
    if (auto open = wanted.is_open(); !open) return open.error();
    return wanted.projector->store().instance_writer();
}

bus::Result<GenerationCatalogue> ProjectorPool::catalogue(bus::PartitionId partition) const {
    const Partition& wanted = at(partition);
    const std::lock_guard lock(wanted.mutex);
    if (auto open = wanted.is_open(); !open) return open.error();
    return wanted.projector->catalogue();
}

// Catalogue and snapshot are taken under the lock that a change of the catalogue holds too: no
// reader sees the rows of one moment and the catalogue of another.
bus::Result<ProjectorPool::Moment> ProjectorPool::snapshot(bus::PartitionId partition,
                                                           std::string_view projection,
                                                           bus::TenantId tenant) const {
    const Partition& wanted = at(partition);
    const std::lock_guard lock(wanted.mutex);
    if (auto complete = wanted.is_complete(); !complete) return complete.error();
    const StoredGeneration* shown = wanted.projector->catalogue().shown(projection, tenant);
    if (!shown) return bus::fail(ErrorCode::not_found, "there is no projection '{}'", projection);
    if (shown->state == GenerationState::building)
        return bus::fail(ErrorCode::unavailable,
                         "{} is being built anew, because the program changed; GET "
                         "/v1/projections/{} says how far it is",
                         projection, projection);
    return Moment{wanted.projector->store().snapshot(), shown->instance};
}

bus::Result<ProjectorPool::AllRows> ProjectorPool::all_rows(bus::PartitionId partition) const {
    const Partition& wanted = at(partition);
    const std::lock_guard lock(wanted.mutex);
    if (auto complete = wanted.is_complete(); !complete) return complete.error();
    return AllRows{wanted.projector->store().snapshot(), wanted.projector->catalogue()};
}

ProjectorPool::Pause::Pause(Partition& partition, std::unique_lock<std::mutex> stepping)
    : partition_(&partition),
      stepping_(std::move(stepping)),
      projector_(partition.projector.get()) {}

ProjectorPool::Pause::~Pause() {
    if (!stepping_.owns_lock()) return;
    stepping_.unlock();
    partition_->worker->more.notify();
}

bus::Result<bus::Done> ProjectorPool::Pause::change_catalogue(GenerationCatalogue catalogue) {
    const std::lock_guard lock(partition_->mutex);
    return projector_->change_catalogue(std::move(catalogue));
}

bus::Result<ProjectorPool::Pause> ProjectorPool::pause(bus::PartitionId partition) {
    Partition& wanted = *partitions_.at(partition);
    ++wanted.pauses_wanted;
    std::unique_lock stepping(wanted.stepping);
    --wanted.pauses_wanted;
    {
        const std::lock_guard lock(wanted.mutex);
        if (auto open = wanted.is_open(); !open) return open.error();
    }
    return Pause(wanted, std::move(stepping));
}

bus::Result<bus::Done> ProjectorPool::reconcile_generations() {
    bus::Result<bus::Done> first = bus::Done{};
    const std::vector<WantedProjection> wanted = wanted_projections(setup_);
    for (bus::PartitionId id = 0; id < partitions_.size(); ++id) {
        auto paused = pause(id);
        if (!paused) continue;  // it is brought into line when it opens
        const GenerationCatalogue& now = paused->projector().catalogue();
        GenerationCatalogue next = now.reconciled(*setup_.registry.generations(), wanted,
                                                  setup_.on_change == OnChange::keep);
        if (next.text() == now.text()) continue;
        auto changed = paused->change_catalogue(std::move(next));
        if (!changed && first) first = changed;
        bus::crash_point("generations.partition_reconciled");
    }
    return first;
}

bus::Result<bus::Done> ProjectorPool::erase_instance(bus::PartitionId id,
                                                     projections::InstanceId instance,
                                                     projections::store::InstanceWriter& writer) {
    // The number will be another build's: a mark that outlived these rows would fit it.
    for (const BuildScope scope : build_scopes)
        if (auto unmarked = writer.commit({}, building_mark(scope), ""); !unmarked) return unmarked;
    if (auto erased = writer.erase_prefix(instance_prefix(instance)); !erased) return erased;
    bus::crash_point("generations.erased");
    auto paused = pause(id);
    if (!paused) return bus::Done{};  // tried again when something else is dropped
    GenerationCatalogue next = paused->projector().catalogue();
    next.forget(instance);
    return paused->change_catalogue(std::move(next));
}

bus::Result<bus::Done> ProjectorPool::erase_dropped() {
    // One at a time: an instance that another one has erased may be in use again.
    const std::lock_guard erasing(erasing_);
    for (bus::PartitionId id = 0; id < partitions_.size(); ++id) {
        const auto before = catalogue(id);
        const auto writer = instance_writer(id);
        if (!before || !writer) continue;  // tried again when something else is dropped
        for (const StoredGeneration& gone : before->in_state(GenerationState::dropped)) {
            auto erased = erase_instance(id, gone.instance, **writer);
            if (!erased) return erased;
        }
        auto paused = pause(id);  // so that no build begins meanwhile
        if (!paused) continue;
        auto removed = remove_ended_builds(setup_, id, paused->projector().catalogue());
        if (!removed) return removed;
    }
    return bus::Done{};
}

}  // namespace consumers
