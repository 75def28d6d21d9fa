// A record of the log as the operator's tools show it.
#pragma once

#include "bus/envelope.hpp"
#include "bus/log.hpp"
#include "schemas/json/json.hpp"
#include "schemas/registry.hpp"

namespace tools {

enum class Bodies : std::uint8_t { none, readable, base64 };

struct RecordFilter {
    std::optional<bus::TenantId> tenant{};
    std::optional<bus::SourceId> source{};
    std::string type{};  // of the record or of an event in it, as tools/glob.hpp; "" = all
    // readable: text as it is, other bytes as "base64:..."; base64: every byte as it came.
    Bodies bodies = Bodies::none;
    bool details = false;  // fields, keys and warnings of each event
};

// Maps records again to say which events they hold. One thread.
class RecordPrinter {
public:
    explicit RecordPrinter(const schemas::Registry& registry);
    // Appends one JSON object; false when the filter leaves the record out. Of an erased record no
    // body, also where the log had to keep it.
    bool append(schemas::json::Writer& out, bus::RecordView record, const RecordFilter& filter);

private:
    const schemas::Registry& registry_;
    schemas::Scratch scratch_;
};

}  // namespace tools
