// What is known of one customer key: which other keys were seen with it, and the name last given.
//
// Links are evidence, never a decision: customers are computed from them when read. A link keeps
// its best evidence, so that a key set seen again changes nothing. The name is that of the latest
// hour in which one was given (in one hour the greater text), so that a name repeated with each
// message rewrites nothing.
#pragma once

#include "projections/row.hpp"
#include "schemas/event.hpp"

#include <compare>
#include <map>
#include <string>

namespace projections {

// A key seen with more than this many others is shared (a front desk, info@) and joins nobody.
inline constexpr std::size_t links_max = 64;
inline constexpr std::size_t name_bytes_max = 1024;

// Better evidence compares as less: verified first, then by time, then by event id.
struct Evidence {
    bool unverified = true;
    bus::Timestamp time{};
    bus::EventId event_id;
    auto operator<=>(const Evidence&) const = default;
};

struct IdentityRow : RowOf<IdentityRow> {
    std::string key;  // as customer_key() gives it
    std::string name;
    std::int64_t name_hour = 0;             // hours since 1970
    std::map<std::string, Evidence> links;  // by the other key
    bool shared = false;

    bool would_change_link(const std::string& other, const Evidence& evidence) const;
    void link(const std::string& other, const Evidence& evidence);
    bool would_change_name(std::string_view given, bus::Timestamp at) const;
    void give_name(std::string_view given, bus::Timestamp at);

    void encode(std::string& out) const override;
    bus::Result<bus::Done> decode(std::string_view stored) override;
    bool empty() const override { return name.empty() && links.empty(); }
};

std::string identity_row_key(std::string_view customer_key);

}  // namespace projections
