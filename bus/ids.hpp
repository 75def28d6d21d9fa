// Identities and quantities as distinct types, so that none is taken for another.
#pragma once

#include "bus/result.hpp"

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace bus {

// Microseconds since 1970-01-01T00:00:00Z.
using Timestamp = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// "2026-11-21T05:54:38.123456Z"; the fraction is left out when it is zero.
std::string to_iso(Timestamp time);
void append_iso(std::string& out, Timestamp time);
Result<Timestamp> from_iso(std::string_view text);  // an offset or Z is required

using PartitionId = std::uint32_t;
using Offset = std::uint64_t;  // of the next or of one record inside a topic's partition

// 64 random bits with a text form "<prefix>_<13 Crockford base32 digits>".
template <class Tag>
struct Id64 {
    std::uint64_t value = 0;
    auto operator<=>(const Id64&) const = default;
};
struct TenantTag {};
struct SourceTag {};
using TenantId = Id64<TenantTag>;  // text "tnt_..."; 0 is the reserved tenant "_platform"
using SourceId = Id64<SourceTag>;  // text "src_..."; 0 is "no source"
inline constexpr TenantId platform_tenant{0};

std::string to_string(TenantId id);
std::string to_string(SourceId id);
Result<TenantId> parse_tenant_id(std::string_view text);
Result<SourceId> parse_source_id(std::string_view text);

// 16 bytes, compared as bytes: a UUIDv7 for records, a keyed-field hash for mapped events.
struct EventId {
    std::array<std::uint8_t, 16> bytes{};
    auto operator<=>(const EventId&) const = default;
    std::string_view view() const {
        return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }
};
std::string to_string(EventId id);  // the 36 characters of a UUID
Result<EventId> parse_event_id(std::string_view text);

// UUIDv7 (RFC 9562 section 5.7): 48 bits of milliseconds, then 74 bits from `random`.
EventId uuid_v7(Timestamp now, const std::array<std::uint8_t, 10>& random);

std::string crockford(std::uint64_t value);  // 13 digits
Result<std::uint64_t> parse_crockford(std::string_view text);

}  // namespace bus

template <class Tag>
struct std::hash<bus::Id64<Tag>> {
    std::size_t operator()(const bus::Id64<Tag>& id) const {
        return id.value * 0x9E3779B97F4A7C15u;
    }
};
template <>
struct std::hash<bus::EventId> {
    std::size_t operator()(const bus::EventId& id) const {
        std::size_t h;
        __builtin_memcpy(&h, id.bytes.data() + 8, sizeof h);
        return h;
    }
};
