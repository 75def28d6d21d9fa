// What callers hand back to us: positions, checkpoints, ids, times, cursors. What is read and
// written again is read as the same.
#include "bus/position.hpp"
#include "projections/list_range.hpp"
#include "projections/memory_rows.hpp"
#include "schemas/erasures.hpp"

#include <cstdlib>

namespace {

constexpr projections::InstanceId instance = 3;
constexpr bus::TenantId tenant{5};

const projections::MemoryRows& rows() {
    static const projections::MemoryRows rows = [] {
        projections::MemoryRows made;
        for (std::uint64_t i = 1; i <= 9; ++i) {
            bus::EventId id;
            id.bytes[0] = static_cast<std::uint8_t>(i);
            const auto key = projections::KeyWriter{}
                                 .byte('t')
                                 .time(bus::Timestamp{bus::seconds{i}})
                                 .raw(id.view())
                                 .str();
            made.put(projections::Table::index, projections::complete_key(instance, tenant, key),
                     "");
        }
        return made;
    }();
    return rows;
}

void walk(std::string_view cursor, bool oldest_first) {
    const projections::MemoryReadView view(rows(), instance, tenant);
    projections::ListRange range;
    range.prefix = "t";
    range.limit = 3;
    range.oldest_first = oldest_first;
    range.cursor = cursor;
    (void)projections::list_range(
        view, range, [](const projections::ListedEntry&) { return true; },
        [](const projections::ListedEntry& entry, std::string& out) {
            out += to_string(entry.id);
        });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    if (const auto position = bus::parse_position(text))
        if (bus::parse_position(bus::to_token(*position)).value_or(bus::Position{}) != *position)
            std::abort();
    (void)bus::decode_checkpoint(text);
    if (const auto id = bus::parse_event_id(text))
        if (bus::parse_event_id(to_string(*id)).value_or(bus::EventId{}) != *id) std::abort();
    if (const auto time = bus::from_iso(text))
        if (bus::from_iso(bus::to_iso(*time)).value_or(bus::Timestamp{}) != *time) std::abort();
    (void)bus::parse_tenant_id(text);
    (void)bus::parse_source_id(text);
    (void)bus::parse_crockford(text);
    (void)bus::parse_record_range(text);
    walk(text, false);
    walk(text, true);
    return 0;
}
