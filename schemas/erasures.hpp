// What was decided to be erased, as `.control` holds it: the decision comes first, the bytes go
// after it, and a fact says when they are gone. What is not completed is done again at the next
// start; what is restored from a copy is erased again from here.
//
// No decision names a person: it names records. Of a whole tenant it names the tenant.
#pragma once

#include "bus/topic.hpp"

#include <string>
#include <vector>

namespace schemas {

struct RecordRange {
    bus::TopicPartition where;
    bus::Offset first = 0;
    bus::Offset last = 0;
    auto operator<=>(const RecordRange&) const = default;
};
std::string to_string(const RecordRange& range);  // "chat/3/4711" or "chat/3/4711-4720"
bus::Result<RecordRange> parse_record_range(std::string_view text);

// Joins neighbours; the addresses need no order.
std::vector<RecordRange> ranges_of(std::vector<bus::Address> addresses);
std::vector<bus::Address> addresses_of(const std::vector<RecordRange>& ranges);

// In sorted ranges, which may overlap.
bool contains(const std::vector<RecordRange>& sorted, const bus::Address& address);

struct Erasure {
    std::string id;  // "era_..."
    bus::TenantId tenant;
    bool whole_tenant = false;         // then every record of the tenant, and `records` is empty
    std::vector<RecordRange> records;  // of a person
    bool completed = false;
    bus::Timestamp decided_at{};
    bus::Offset decided_by = 0;  // the fact's offset in `.control`
};

}  // namespace schemas
