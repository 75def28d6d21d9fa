// The records of one tenant up to a moment, folded again into rows in memory.
#pragma once

#include "consumers/projector_setup.hpp"
#include "projections/time_travel_port.hpp"

#include <atomic>

namespace consumers {

inline constexpr std::size_t past_records_max = 50'000;  // of the tenant; about 150 MB of rows

struct PastWish {
    bus::TenantId tenant;
    projections::AsOf as_of;
    std::shared_ptr<const schemas::GenerationTable> generations;  // the live ones say what is read
    bus::Timestamp now;  // the time of a position that has nothing of the tenant before it
    bus::milliseconds fold_max;
};

// Errors: gone (the log does not go back to the beginning any more), too_large (more records than
// are folded for an answer, or it took longer), unavailable (the log did not give what it has in
// time), cancelled (`stopping` became true; it is looked at between batches).
bus::Result<std::shared_ptr<const projections::PastRows>> fold_past(
    const ProjectorSetup& setup, const PastWish& wish, const std::atomic<bool>& stopping);

}  // namespace consumers
