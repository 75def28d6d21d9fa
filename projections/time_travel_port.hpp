// How a read reaches the rows of an earlier moment (`as_of`): the tenant's rows as they were when
// the log had come that far. Implemented by whoever can fold the log again. Threads: any.
#pragma once

#include "bus/position.hpp"
#include "projections/projection.hpp"

#include <memory>
#include <optional>
#include <string_view>

namespace projections {

// One of the two: what had been received by then, or what a position covers.
struct AsOf {
    std::optional<bus::Timestamp> time{};
    std::optional<bus::Position> position{};
};

// One tenant at one moment; does not change any more.
class PastRows {
public:
    virtual ~PastRows() = default;
    // not_found: no such projection, or another tenant. Lives no longer than this.
    virtual bus::Result<std::unique_ptr<ReadView>> view(bus::TenantId tenant,
                                                        std::string_view projection) const = 0;
    // Shown is all that stands before it, of what is the tenant's.
    virtual bus::Position position() const = 0;
    // What depends on the clock goes by this: the time asked for, or of the newest record shown.
    virtual bus::Timestamp time() const = 0;
};

class TimeTravelPort {
public:
    virtual ~TimeTravelPort() = default;
    // invalid_input: a moment that has not come, or a position of another partition. gone: the log
    // does not go back to the beginning any more. too_large: more records than are folded for an
    // answer. unavailable: others fold or wait, or the log is away, try again. cancelled: the
    // server stops. Blocks, for no longer than its implementation says.
    virtual bus::Result<std::shared_ptr<const PastRows>> rows(bus::TenantId tenant,
                                                              const AsOf& as_of) = 0;
};

}  // namespace projections
