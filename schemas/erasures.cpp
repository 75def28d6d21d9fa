#include "schemas/erasures.hpp"

#include <algorithm>
#include <charconv>

namespace schemas {

std::string to_string(const RecordRange& range) {
    const std::string first =
        bus::to_string(bus::Address{range.where.topic, range.where.partition, range.first});
    return range.first == range.last ? first : fmt::format("{}-{}", first, range.last);
}

bus::Result<RecordRange> parse_record_range(std::string_view text) {
    const std::size_t dash = text.rfind('-');
    const auto first = bus::parse_address(text.substr(0, dash));
    if (!first) return first.error();
    RecordRange range{{first->topic, first->partition}, first->offset, first->offset};
    if (dash == std::string_view::npos) return range;
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data() + dash + 1, end, range.last);
    if (parsed.ec != std::errc{} || parsed.ptr != end || range.last < range.first)
        return bus::fail(bus::ErrorCode::invalid_input, "'{}' is no range of records", text);
    return range;
}

std::vector<RecordRange> ranges_of(std::vector<bus::Address> addresses) {
    std::sort(addresses.begin(), addresses.end());
    std::vector<RecordRange> ranges;
    for (const bus::Address& address : addresses) {
        const bus::TopicPartition where{address.topic, address.partition};
        if (!ranges.empty() && ranges.back().where == where &&
            address.offset <= ranges.back().last + 1)
            ranges.back().last = address.offset;
        else
            ranges.push_back({where, address.offset, address.offset});
    }
    return ranges;
}

bool contains(const std::vector<RecordRange>& sorted, const bus::Address& address) {
    const bus::TopicPartition where{address.topic, address.partition};
    auto one = std::upper_bound(sorted.begin(), sorted.end(),
                                RecordRange{where, address.offset, ~bus::Offset{0}});
    // Ranges of several erasures may overlap: an earlier one may reach further.
    while (one != sorted.begin() && (--one)->where == where)
        if (one->last >= address.offset) return true;
    return false;
}

std::vector<bus::Address> addresses_of(const std::vector<RecordRange>& ranges) {
    std::vector<bus::Address> addresses;
    for (const RecordRange& range : ranges)
        for (bus::Offset offset = range.first; offset <= range.last; ++offset)
            addresses.push_back({range.where.topic, range.where.partition, offset});
    return addresses;
}

}  // namespace schemas
