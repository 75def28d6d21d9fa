// A record of the log as the operator's tools show it.
#pragma once

#include "bus/envelope.hpp"
#include "bus/log.hpp"
#include "schemas/json/json.hpp"
#include "schemas/registry.hpp"

namespace tools {

struct RecordFilter {
    std::optional<bus::TenantId> tenant;
    std::string type;  // an event type, or a prefix ending in "*"; "" = all
    bool bodies = false;
};

// Maps records again to say which events they hold. One thread.
class RecordPrinter {
public:
    explicit RecordPrinter(const schemas::Registry& registry);
    // Appends one JSON object; false when the filter leaves the record out.
    bool append(schemas::json::Writer& out, const bus::RecordView& record,
                const RecordFilter& filter);

private:
    const schemas::Registry& registry_;
    schemas::Scratch scratch_;
};

}  // namespace tools
