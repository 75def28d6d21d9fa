// The decisions behind an erasure, as facts on `.control`: they come before any byte goes, and one
// more says that all has gone (schemas/erasures.hpp).
#pragma once

#include "producers/commands/control_writer.hpp"

namespace producers::commands {

// conflict: a legal hold, with its reason. not_found: no such tenant.
bus::Result<std::shared_ptr<const schemas::Tenant>> erasable_tenant(
    const schemas::Registry& registry, bus::TenantId id);

struct DecidedRecords {
    std::vector<bus::RecordRange> erased;  // what is to go
    std::vector<bus::RecordRange> held;    // what stays, as nothing was decided of it
    std::string held_by;                   // why
};

class EraseDecisions {
public:
    // One fact stays well below what a record may have.
    static constexpr std::size_t ranges_per_fact_max = 10'000;

    EraseDecisions(ControlWriter& writer, const schemas::Registry& registry)
        : writer_(writer), registry_(registry) {}

    std::string new_id() { return "era_" + bus::crockford(writer_.ids().next_id64()); }

    // Durable and applied when they return; the same id is decided once. Errors as above,
    // unavailable.
    bus::Result<bus::Done> erase_tenant(const std::string& erasure, bus::TenantId tenant);
    // Many records are several facts. A hold that comes between these keeps the rest, and what was
    // decided before it stands; so it does after an error, which then says how much it is.
    bus::Result<DecidedRecords> erase_records(const std::string& erasure, bus::TenantId tenant,
                                              const std::vector<bus::RecordRange>& records);
    bus::Result<bus::Done> completed(const schemas::Erasure& erasure);

private:
    bus::Result<bus::Done> decide(const std::string& command, bus::TenantId tenant,
                                  const schemas::ControlBody& body);

    ControlWriter& writer_;
    const schemas::Registry& registry_;
};

}  // namespace producers::commands
