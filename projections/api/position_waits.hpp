// How many requests may wait for a position at once. Each holds a thread of the API: without a
// bound one partition that stands still takes, by its readers, those of all others.
#pragma once

#include "bus/ids.hpp"

#include <map>
#include <mutex>
#include <optional>
#include <utility>

namespace projections::api {

struct PositionWaitLimits {
    std::size_t waiting_max = 256;
    std::size_t tenant_waiting_max = 64;  // of these, for one tenant
};

// Threads: any. Outlives its turns.
class PositionWaits {
public:
    explicit PositionWaits(const PositionWaitLimits& limits) : limits_(limits) {}

    class Turn {
    public:
        Turn(Turn&& other) noexcept
            : waits_(std::exchange(other.waits_, nullptr)), tenant_(other.tenant_) {}
        Turn& operator=(Turn&&) = delete;
        ~Turn();

    private:
        friend class PositionWaits;
        Turn(PositionWaits& waits, bus::TenantId tenant) : waits_(&waits), tenant_(tenant) {}
        PositionWaits* waits_;
        bus::TenantId tenant_;
    };
    // nullopt: as many wait as may.
    std::optional<Turn> take(bus::TenantId tenant);

private:
    const PositionWaitLimits limits_;
    std::mutex mutex_;
    std::size_t waiting_ = 0;                         // guarded by mutex_, as is:
    std::map<bus::TenantId, std::size_t> of_tenant_;  // those with a turn
};

}  // namespace projections::api
