// Builds what a catalogue calls `building`, beside the rows that are read: all such generations of
// a partition with one read of the log.
//
// 1. From the log's start into a database of its own (`partition-N.building`), at full speed.
// 2. Its rows are moved into the live store as sorted files. Nobody reads that instance yet.
// 3. What has come meanwhile is folded onto them there, up to nearly where the live rows are.
// 4. The live projector rests between two steps, the last few records are folded, the catalogue
//    says that they are built. From then on one read of the log feeds old and new alike.
//
// Killed at any point it continues: with 1 where the database was last flushed, with 3 exactly.
// Builders run at low priority, and rest while the live rows fall behind. Threads: build() by one.
#pragma once

#include "consumers/build_scope.hpp"
#include "consumers/projector_pool.hpp"

#include <atomic>

namespace consumers {

// How the caller sees and stops a build. Threads: any.
class BuildWatch {
public:
    virtual ~BuildWatch() = default;
    virtual void advance(std::uint64_t records) = 0;
    virtual bool go_on() = 0;  // waits while paused; false = leave what can be continued
};

struct BuildLimits {
    std::uint64_t records_per_second_max = 0;                 // over all partitions; 0 = none
    std::uint64_t live_lag_max = 2'000;                       // records; above it builders rest
    std::uintmax_t free_bytes_min = std::uintmax_t{1} << 30;  // less: the build stops
    std::size_t memtable_bytes = 32 << 20;
    std::size_t cached_rows_max = 50'000;
};

class GenerationBuilds {
public:
    GenerationBuilds(ProjectorPool& pool, BuildScope scope, BuildLimits limits)
        : pool_(pool), scope_(scope), limits_(limits) {}

    bool is_needed() const;

    std::uint64_t records_to_read() const;  // of the partitions that have something to build
    std::uint64_t records_in_log() const;
    // unavailable: the disk has not the room that building these projections needs, about.
    bus::Result<bus::Done> check_space(const std::vector<std::string>& projections) const;
    // All partitions; 0 threads = one per core. One that fails leaves the others; the error is what
    // passes by itself, where there are several. cancelled, unavailable: call it again to continue.
    bus::Result<bus::Done> build(BuildWatch& watch, std::size_t threads);

private:
    std::uint64_t applied_records(const PartitionStatus& partition) const;

    ProjectorPool& pool_;
    const BuildScope scope_;
    const BuildLimits limits_;
};

}  // namespace consumers
