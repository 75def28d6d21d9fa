// All projectors of a process: threads = min(cores, partitions), each with partitions of its own.
// What comes is folded within 50 ms, at once when somebody waits for it: see wait_for().
//
// unavailable is tried again with growing pauses; a damaged store is set aside and rebuilt while
// the others go on; a log that cannot be understood stops its partition, visible in status().
// How far behind they are is sampled by a thread of its own: a log that is away makes nobody wait.
// Threads: start and stop by one, everything else by any.
#pragma once

#include "consumers/projector.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace consumers {

enum class PartitionState : std::uint8_t { opening, rebuilding, running, retrying, stopped };
std::string_view name(PartitionState state);

struct PartitionStatus {
    bus::PartitionId partition = 0;
    PartitionState state = PartitionState::opening;
    std::string reason;  // why it is retrying or stopped
    bus::Position position;
    std::uint64_t lag_records = 0;  // as of the last look at the log
    bool lag_known = false;         // false: never looked, or the log has not told for too long
    bool stalled = false;           // one step has been going on for too long
    bool store_refused = false;     // stopped because its store is of another format or partition
    bus::Timestamp newest_ingest_time{};  // of the records applied by this process
};

class ProjectorPool {
    struct Partition;

public:
    // Opens the stores on the pool's threads and begins. `setup` is copied.
    ProjectorPool(ProjectorSetup setup, std::size_t threads_max);
    ~ProjectorPool();  // as stop()
    void stop();       // finishes the steps that are going on; idempotent

    // False when a partition has not been opened in time. The first try counts: see status().
    bool wait_opened(bus::milliseconds wait_max) const;
    // True when every partition is shown and known to be at most `lag_max` records behind.
    bool near_end(std::uint64_t lag_max) const;

    bus::Position position(bus::PartitionId partition) const;
    // False when it is not covered in time; unavailable when the partition is stopped.
    bus::Result<bool> wait_for(const bus::Position& wanted, bus::milliseconds wait_max) const;
    std::vector<PartitionStatus> status() const;  // never asks the log, so never waits for it
    std::string statistics() const;               // of the stores, for doctor

    // For work on a partition's store beside its projector. unavailable: not open.
    bus::Result<std::unique_ptr<projections::store::StoreUpkeep>> upkeep(
        bus::PartitionId partition) const;

    struct Moment {
        std::unique_ptr<projections::store::Snapshot> rows;
        projections::InstanceId instance = 0;
    };
    // The rows of a projection as the tenant gets them now: of the generation that is live for it
    // at that very moment. unavailable: not open or incomplete. not_found: no such projection.
    bus::Result<Moment> snapshot(bus::PartitionId partition, std::string_view projection,
                                 bus::TenantId tenant) const;

    struct AllRows {
        std::unique_ptr<projections::store::Snapshot> rows;
        GenerationCatalogue catalogue;
    };
    // Every generation of the partition at one moment. unavailable: not open or incomplete.
    bus::Result<AllRows> all_rows(bus::PartitionId partition) const;
    bus::Result<GenerationCatalogue> catalogue(bus::PartitionId partition) const;  // unavailable
    bus::Result<std::unique_ptr<projections::store::InstanceWriter>> instance_writer(
        bus::PartitionId partition) const;

    // Keeps a partition's projector between two steps for as long as it lives; reads go on.
    class Pause {
    public:
        Projector& projector() { return *projector_; }
        bus::Result<bus::Done> change_catalogue(GenerationCatalogue catalogue);
        ~Pause();
        Pause(Pause&&) noexcept = default;
        Pause& operator=(Pause&&) = delete;

    private:
        friend class ProjectorPool;
        Pause(Partition& partition, std::unique_lock<std::mutex> stepping);
        Partition* partition_;
        std::unique_lock<std::mutex> stepping_;  // not owned: moved from
        Projector* projector_;
    };
    bus::Result<Pause> pause(bus::PartitionId partition);  // unavailable: not open

    // Brings every open partition into line with what `.control` says now; the others follow when
    // they open. The first error; the rest is done nevertheless.
    bus::Result<bus::Done> reconcile_generations();
    // Removes the rows of generations that are not wanted any more, and what builds have left that
    // nobody goes on with. Slow; reads and folds go on.
    bus::Result<bus::Done> erase_dropped();

    // Damaged ones that were set aside and begun anew, so far.
    std::uint64_t stores_rebuilt() const { return stores_rebuilt_; }

    const ProjectorSetup& setup() const { return setup_; }

private:
    struct Worker;
    class Awaiting;

    const Partition& at(bus::PartitionId partition) const;
    void run(Worker& worker);
    bool attend(Partition& partition, bus::Signal& more);
    void open(Partition& partition, bus::Signal& more);
    void step_failed(Partition& partition, const bus::Error& error);
    void rebuild(Partition& partition, const bus::Error& error);
    bus::Result<bus::Done> erase_instance(bus::PartitionId id, projections::InstanceId instance,
                                          projections::store::InstanceWriter& writer);
    void sample_lags();
    void sample_lag(Partition& partition);

    const ProjectorSetup setup_;
    std::vector<std::unique_ptr<Partition>> partitions_;
    std::mutex erasing_;  // before every other lock
    std::atomic<bool> stopping_{false};
    std::atomic<std::uint64_t> stores_rebuilt_{0};
    bus::Signal stop_sampling_;
    std::vector<std::unique_ptr<Worker>> workers_;  // their threads use everything above
    std::thread sampler_;                           // so does this one
};

}  // namespace consumers
