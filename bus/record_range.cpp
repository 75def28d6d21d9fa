#include "bus/record_range.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace bus {

std::string to_string(const RecordRange& range) {
    const Offset last = range.before - 1;
    const std::string first =
        to_string(Address{range.where.topic, range.where.partition, range.from});
    return range.from == last ? first : fmt::format("{}-{}", first, last);
}

Result<RecordRange> parse_record_range(std::string_view text) {
    const std::size_t dash = text.rfind('-');
    const auto first = parse_address(text.substr(0, dash));
    if (!first) return first.error();
    Offset last = first->offset;
    bool is_number = true;
    if (dash != std::string_view::npos) {
        const char* const end = text.data() + text.size();
        const auto parsed = std::from_chars(text.data() + dash + 1, end, last);
        is_number = parsed.ec == std::errc{} && parsed.ptr == end;
    }
    if (!is_number || last < first->offset || last == std::numeric_limits<Offset>::max())
        return fail(ErrorCode::invalid_input, "'{}' is no range of records", text);
    return RecordRange{{first->topic, first->partition}, first->offset, last + 1};
}

std::vector<RecordRange> ranges_of(std::vector<Address> addresses) {
    std::sort(addresses.begin(), addresses.end());
    std::vector<RecordRange> ranges;
    for (const Address& address : addresses) {
        const TopicPartition where{address.topic, address.partition};
        if (!ranges.empty() && ranges.back().where == where &&
            address.offset <= ranges.back().before)
            ranges.back().before = address.offset + 1;
        else
            ranges.push_back({where, address.offset, address.offset + 1});
    }
    return ranges;
}

bool contains(const std::vector<RecordRange>& sorted, const Address& address) {
    const TopicPartition where{address.topic, address.partition};
    auto one =
        std::upper_bound(sorted.begin(), sorted.end(),
                         RecordRange{where, address.offset, std::numeric_limits<Offset>::max()});
    // Ranges of several erasures may overlap: an earlier one may reach further.
    while (one != sorted.begin() && (--one)->where == where)
        if (one->before > address.offset) return true;
    return false;
}

std::vector<Address> addresses_of(const std::vector<RecordRange>& ranges) {
    std::vector<Address> addresses;
    for (const RecordRange& range : ranges)
        for (Offset offset = range.from; offset < range.before; ++offset)
            addresses.push_back({range.where.topic, range.where.partition, offset});
    return addresses;
}

}  // namespace bus
