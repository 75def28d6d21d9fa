// One partition's part of a build: generation_builder.hpp says the steps. Private to this folder.
#pragma once

#include "consumers/base_rows.hpp"
#include "consumers/generation_builder.hpp"

namespace consumers {

// What builders of all partitions share: their speed, and who watches them.
class BuildPace {
public:
    BuildPace(BuildWatch& watch, const BuildLimits& limits, const ProjectorPool& pool)
        : watch_(watch), limits_(limits), pool_(pool) {}

    // Between small steps. cancelled, unavailable (no room on the disk).
    bus::Result<bus::Done> go_on();
    void applied(std::size_t records);
    const BuildLimits& limits() const { return limits_; }

private:
    bool live_rows_fall_behind();
    std::chrono::steady_clock::duration ahead_of_rate() const;

    BuildWatch& watch_;
    const BuildLimits& limits_;
    const ProjectorPool& pool_;
    const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    std::atomic<std::uint64_t> records_{0};
};

class PartitionBuild {
public:
    PartitionBuild(ProjectorPool& pool, bus::PartitionId partition, BuildScope scope,
                   BuildPace& pace);
    ~PartitionBuild();
    bus::Result<bus::Done> run();

private:
    class LiveTarget;

    bus::Result<bus::Done> plan();
    bus::Result<bus::Done> open_live();
    bus::Result<bus::Done> begin_with_base(projections::store::RowStore& side);
    bus::Result<bool> is_in_live_store();
    bus::Result<bus::Done> fill_side_store();
    bus::Result<std::unique_ptr<projections::store::RowStore>> open_side_store();
    bus::Result<bus::Done> move_rows(projections::store::RowStore& side);
    bus::Result<bus::Done> catch_up();
    bus::Result<bus::Done> hand_over();
    bus::Result<bus::Done> wait_for_live_rows(const bus::Position& built);
    bus::Result<std::uint64_t> follow(LogFolding& folding, const FoldTarget& target);
    std::unique_ptr<LogFolding> folding_onto(FoldTarget& target);
    bus::Result<bus::Done> erase_dedup();
    void remove_side_store();

    ProjectorPool& pool_;
    const bus::PartitionId partition_;
    const BuildScope scope_;
    const std::filesystem::path directory_;
    const std::string mark_meta_;  // in the live store: how far it is there
    BuildPace& pace_;
    bus::Signal more_;
    std::vector<StoredGeneration> building_;
    std::optional<Base> base_;
    std::string identity_;  // of what is being built; another one begins anew
    std::unique_ptr<projections::store::InstanceWriter> live_;
    std::unique_ptr<LiveTarget> live_target_;  // before live_folding_, which writes through it
    std::unique_ptr<LogFolding> live_folding_;
};

}  // namespace consumers
