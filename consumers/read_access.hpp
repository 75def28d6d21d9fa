// The read side's way to the rows that this process keeps: a view is one tenant's part of one
// projection at one moment. Threads: any.
#pragma once

#include "consumers/projector_pool.hpp"
#include "projections/read_port.hpp"

namespace consumers {

class ReadAccess final : public projections::ReadPort {
public:
    explicit ReadAccess(const ProjectorPool& pool, bus::PartitionId partitions)
        : pool_(pool), partitions_(partitions) {}

    bus::Result<std::unique_ptr<projections::ReadView>> view(bus::TenantId tenant,
                                                             std::string_view projection) override;
    bus::Position position(bus::TenantId tenant) override;
    bus::Result<bool> wait_for(bus::TenantId tenant, const bus::Position& wanted,
                               bus::milliseconds wait_max) override;

private:
    bus::PartitionId partition_of(bus::TenantId tenant) const;

    const ProjectorPool& pool_;
    const bus::PartitionId partitions_;
};

}  // namespace consumers
