// The past of one tenant, by folding its records again up to a moment: any projection can answer
// `as_of` without keeping a history, and answers what it would have answered then with the mappings
// that are live now.
//
// The rows are made in memory, so the records of a tenant that are folded for one answer are
// bounded. The last few moments are kept for a short while, for the pages of a list.
// Threads: any; one moment is folded at a time.
#pragma once

#include "bus/clock.hpp"
#include "consumers/projector_setup.hpp"
#include "projections/time_travel_port.hpp"

#include <list>
#include <mutex>

namespace consumers {

inline constexpr std::size_t past_records_max = 50'000;  // of the tenant; about 150 MB of rows
inline constexpr bus::seconds past_fold_max{20};
inline constexpr std::size_t past_moments_kept_max = 2;
inline constexpr bus::seconds past_moment_kept{30};  // what came late is missing for so long

class TimeTravel final : public projections::TimeTravelPort {
public:
    // The log and `clock` outlive this; `setup` is copied.
    TimeTravel(ProjectorSetup setup, bus::Clock& clock,
               bus::milliseconds moment_kept = past_moment_kept);

    bus::Result<std::shared_ptr<const projections::PastRows>> rows(
        bus::TenantId tenant, const projections::AsOf& as_of) override;

    void forget();  // after an erasure

private:
    struct Kept {
        std::string moment;  // tenant and as_of
        std::shared_ptr<const schemas::GenerationTable> generations;
        std::chrono::steady_clock::time_point folded_at{};
        std::shared_ptr<const projections::PastRows> rows;
    };

    const ProjectorSetup setup_;
    bus::Clock& clock_;
    const bus::milliseconds moment_kept_;
    std::mutex mutex_;
    std::list<Kept> kept_;  // newest first; guarded by mutex_
};

}  // namespace consumers
