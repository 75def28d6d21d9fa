// One call and all that was reported of it, in any order (PRODUCT 10.3).
//
// State is a lattice; every other member is that of the latest report that carried it, except the
// start, which is the earliest told.
//
// rows:  'c' call key | 'b' badge, department, source: how many calls
// index: 'L' time, newest first | call | what lists filter by
//        'N' number | the same
#pragma once

#include "projections/calls/call_status.hpp"
#include "projections/latest_fields.hpp"
#include "projections/row.hpp"
#include "schemas/event.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace projections::calls {

using CallKey = bus::EventId;  // of source and provider call id; of the event when it has none

inline constexpr std::size_t legs_max = 32;
inline constexpr std::size_t leg_text_bytes_max = 256;  // of each of its texts

enum class RowTag : std::uint8_t { call = 'c', badge = 'b' };
enum class IndexTag : std::uint8_t { newest = 'L', number = 'N' };

CallKey call_key(bus::SourceId source, std::string_view provider_call_id);
CallKey call_key_of_event(const bus::EventId& event);
std::string row_key(const CallKey& key);
std::string call_id(const CallKey& key);  // "call_..."
std::optional<CallKey> parse_call_id(std::string_view text);

// What a sidebar counts (V-12).
enum class BadgeKind : std::uint8_t { live = 'l', hangup = 'h' };
struct Badge {
    BadgeKind kind = BadgeKind::live;
    std::string department;
    std::string source;  // slug
    bool operator==(const Badge&) const = default;
};
std::string badge_key(const Badge& badge);
std::optional<Badge> read_badge_key(std::string_view key);

// Calls under one badge.
struct BadgeRow : RowOf<BadgeRow> {
    std::uint64_t calls = 0;

    void encode(std::string& out) const override;
    bus::Result<bus::Done> decode(std::string_view stored) override;
    bool empty() const override { return calls == 0; }
};

struct CallRow : RowOf<CallRow> {
    CallKey key;
    std::string source;  // slug
    std::string provider_call_id;

    CallStatus status = CallStatus::unknown;
    schemas::EventOrder status_order;          // of the report that told it
    LatestFields fields;                       // Field::status is the provider's word
    std::optional<bus::Timestamp> started_at;  // earliest told
    std::optional<bus::Timestamp> first_report_at;

    // An attempt to reach somebody.
    struct Leg {
        bus::Timestamp first_at{};
        schemas::EventOrder order;  // of the report that told agent and status
        std::string agent;
        std::string status;
    };
    std::map<std::string, Leg> legs;  // by whom it dialled

    void report(const schemas::Event& event);

    bus::Timestamp at() const { return started_at ? *started_at : *first_report_at; }
    std::string_view agent() const;  // id, else name, else number
    std::size_t attempts() const { return legs.empty() ? 1 : legs.size(); }
    std::optional<Badge> badge() const;

    void encode(std::string& out) const override;
    bus::Result<bus::Done> decode(std::string_view stored) override;
    bool empty() const override { return !first_report_at; }
    void index_entries(IndexSink& sink) const override;
    std::string_view measure_kind() const override { return "call"; }
    void measure_values(std::vector<MeasureValue>& values) const override;
};

// What an entry of the index tells without its row, after time and call.
struct CallEntry {
    std::string source;
    std::string department;
    std::string status;
    std::string agent;
    std::string service;
    std::string direction;
    std::vector<std::string> numbers;  // customer, caller, callee; each once
};
CallEntry read_call_entry(std::string_view rest);
std::string numbers_prefix(std::string_view number);

}  // namespace projections::calls
