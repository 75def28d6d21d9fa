// Views that remember whether a read failed, so that no answer is made of rows that could not be
// read.
//
// A handler runs on one thread from beginning to end; what its views met is noted for that thread.
#pragma once

#include "projections/read_port.hpp"
#include "projections/time_travel_port.hpp"

#include <optional>

namespace projections::api {

// While one lives, this thread's views are of an earlier moment.
class PastScope {
public:
    explicit PastScope(std::shared_ptr<const PastRows> rows);
    ~PastScope();
    PastScope(const PastScope&) = delete;
    PastScope& operator=(const PastScope&) = delete;
    bool was_read() const;  // a view was asked for

private:
    const std::shared_ptr<const PastRows> rows_;  // shared with those who ask for the same moment
};

class WatchedReads final : public ReadPort {
public:
    explicit WatchedReads(ReadPort& reads) : reads_(reads) {}

    bus::Result<std::unique_ptr<ReadView>> view(bus::TenantId tenant,
                                                std::string_view projection) override;
    bus::Position position(bus::TenantId tenant) override { return reads_.position(tenant); }
    bus::Result<bool> wait_for(bus::TenantId tenant, const bus::Position& wanted,
                               bus::milliseconds wait_max) override {
        return reads_.wait_for(tenant, wanted, wait_max);
    }

    // The first failure of this thread's views since the last call.
    static std::optional<bus::Error> take_failure();

private:
    ReadPort& reads_;
};

}  // namespace projections::api
