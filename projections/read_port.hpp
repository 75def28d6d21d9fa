// How reads reach rows: one tenant, one projection, one consistent moment. Implemented by whoever
// owns the stores; a handler cannot name another tenant than the caller's. Threads: any.
#pragma once

#include "bus/position.hpp"
#include "projections/projection.hpp"

#include <memory>
#include <string_view>

namespace projections {

class ReadPort {
public:
    virtual ~ReadPort() = default;
    // unavailable while the partition is not served (rebuilding, stopped): says why.
    virtual bus::Result<std::unique_ptr<ReadView>> view(bus::TenantId tenant,
                                                        std::string_view projection) = 0;
    // What the rows of the tenant's partition have applied.
    virtual bus::Position position(bus::TenantId tenant) = 0;
    // False when the rows have not covered `wanted` in time. invalid_input: a position of another
    // partition.
    virtual bus::Result<bool> wait_for(bus::TenantId tenant, const bus::Position& wanted,
                                       bus::milliseconds wait_max) = 0;
};

}  // namespace projections
