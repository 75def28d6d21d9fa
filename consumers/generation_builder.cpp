#include "consumers/generation_builder.hpp"

#include "consumers/partition_build.hpp"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

namespace consumers {

namespace {

using bus::Done;
using bus::ErrorCode;
using bus::Result;

constexpr int builder_niceness = 10;  // what answers and feeds goes first
// The side database, the sorted files beside it, and what compaction has not yet taken away.
constexpr std::uint64_t space_factor = 4;

// On Linux niceness is a thread's own; without it the build only competes more.
void lower_priority() {
    (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), builder_niceness);
}

// What passes by itself outweighs what does not, so that it is tried again; to be told to stop
// passes too, as far as a build is concerned. A partition that is stopped says nothing of those
// that are not.
int weight_of(const bus::Error& error, PartitionState state) {
    if (state == PartitionState::stopped) return 1;
    const bool passes = error.code == ErrorCode::unavailable || error.code == ErrorCode::cancelled;
    return passes ? 3 : 2;
}

}  // namespace

bool GenerationBuilds::is_needed() const {
    for (bus::PartitionId id = 0; id < pool_.setup().log.partitions(); ++id) {
        const auto catalogue = pool_.catalogue(id);
        if (catalogue && !building_in(*catalogue, scope_).empty()) return true;
    }
    return false;
}

std::uint64_t GenerationBuilds::records_to_read() const {
    std::uint64_t sum = 0;
    for (const PartitionStatus& one : pool_.status()) {
        const auto catalogue = pool_.catalogue(one.partition);
        if (catalogue && !building_in(*catalogue, scope_).empty()) sum += applied_records(one);
    }
    return sum;
}

std::uint64_t GenerationBuilds::records_in_log() const {
    std::uint64_t sum = 0;
    for (const PartitionStatus& one : pool_.status()) sum += applied_records(one);
    return sum;
}

std::uint64_t GenerationBuilds::applied_records(const PartitionStatus& partition) const {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < bus::partitioned_topics; ++i) {
        const auto start = pool_.setup().log.start_offset({bus::topic_at(i), partition.partition});
        const bus::Offset end = partition.position.next[i];
        if (start && *start < end) sum += end - *start;
    }
    return sum;
}

Result<Done> GenerationBuilds::check_space(const std::vector<std::string>& projections) const {
    std::uint64_t needed = limits_.free_bytes_min;
    for (bus::PartitionId id = 0; id < pool_.setup().log.partitions(); ++id) {
        const auto catalogue = pool_.catalogue(id);
        const auto writer = pool_.instance_writer(id);
        if (!catalogue || !writer) continue;
        for (const StoredGeneration& like : catalogue->in_state(GenerationState::live))
            if (!like.spec->tenant && std::find(projections.begin(), projections.end(),
                                                like.name.projection) != projections.end())
                needed += space_factor * (*writer)->bytes_of(instance_prefix(like.instance));
    }
    std::error_code error;
    const auto space = std::filesystem::space(pool_.setup().stores, error);
    if (error || space.available >= needed) return Done{};
    return bus::fail(ErrorCode::unavailable,
                     "the build needs about {} MiB of free space, {} MiB are free in {}: free "
                     "space, or build fewer projections at once",
                     needed >> 20, space.available >> 20, pool_.setup().stores.string());
}

Result<Done> GenerationBuilds::build(BuildWatch& watch, std::size_t threads) {
    const bus::PartitionId partitions = pool_.setup().log.partitions();
    if (threads == 0) threads = std::max(1u, std::thread::hardware_concurrency());
    threads = std::min<std::size_t>(threads, partitions);

    BuildPace pace(watch, limits_, pool_);
    std::atomic<bus::PartitionId> next{0};
    std::mutex mutex;
    std::optional<bus::Error> failed;  // guarded by mutex
    int failed_weight = 0;             // likewise
    const auto work = [&] {
        lower_priority();
        for (bus::PartitionId id = next++; id < partitions; id = next++) {
            const auto built = PartitionBuild(pool_, id, scope_, pace).run();
            if (built) continue;
            const std::lock_guard lock(mutex);
            const int weight = weight_of(built.error(), pool_.status().at(id).state);
            if (failed && weight <= failed_weight) continue;
            failed = built.error();
            failed_weight = weight;
        }
    };
    std::vector<std::thread> builders;
    for (std::size_t i = 0; i < threads; ++i) builders.emplace_back(work);
    for (std::thread& builder : builders) builder.join();
    if (failed) return *failed;
    return Done{};
}

}  // namespace consumers
