// Neighbouring records of one topic partition: those that expired, or are to be erased.
#pragma once

#include "bus/topic.hpp"

#include <string>
#include <vector>

namespace bus {

struct RecordRange {
    TopicPartition where;
    Offset from = 0;
    Offset before = 0;
    auto operator<=>(const RecordRange&) const = default;
};

// The text names the first and the last, as people and stored files do: "chat/3/4711" or
// "chat/3/4711-4720". An empty range has none.
std::string to_string(const RecordRange& range);
Result<RecordRange> parse_record_range(std::string_view text);  // invalid_input

// Joins neighbours; the addresses need no order.
std::vector<RecordRange> ranges_of(std::vector<Address> addresses);
std::vector<Address> addresses_of(const std::vector<RecordRange>& ranges);

// In sorted ranges, which may overlap.
bool contains(const std::vector<RecordRange>& sorted, const Address& address);

}  // namespace bus
