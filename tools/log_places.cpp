#include "tools/log_places.hpp"

#include "bus/envelope.hpp"
#include "bus/text.hpp"

#include <algorithm>

namespace tools {
namespace {

using bus::Offset;
using bus::Topic;
using bus::TopicPartition;

struct Extent {
    Offset start = 0;
    Offset end = 0;
};

bus::Result<Extent> extent_of(bus::Log& log, TopicPartition where) {
    const auto start = log.start_offset(where);
    if (!start) return start.error();
    const auto end = log.end_offset(where);
    if (!end) return end.error();
    return Extent{*start, *end};
}

bool reaches(const Reach& reach, Topic topic) {
    if (reach.topic) return topic == *reach.topic;
    if (reach.source_topic) return topic == *reach.source_topic || topic == Topic::rejected;
    return true;
}

std::vector<TopicPartition> reached(const bus::Log& log, const Reach& reach) {
    std::vector<TopicPartition> all;
    for (std::size_t i = 0; i < bus::topic_count; ++i) {
        const Topic topic = bus::topic_at(i);
        if (!reaches(reach, topic)) continue;
        if (!bus::is_partitioned(topic)) {
            all.push_back({topic, 0});
        } else if (reach.tenant) {
            all.push_back({topic, bus::partition_of(to_string(*reach.tenant), log.partitions())});
        } else {
            for (bus::PartitionId partition = 0; partition < log.partitions(); ++partition)
                all.push_back({topic, partition});
        }
    }
    return all;
}

bus::Result<bool> is_before(bus::Log& log, const bus::Address& address, bus::Timestamp time) {
    const auto record = log.read_at(address);
    if (!record) return record.error();
    const auto envelope = bus::read_envelope(record->headers);
    if (!envelope) return envelope.error();
    return envelope->ingest_time < time;
}

// Times of receipt rise with the offsets, but for what a clock was set back.
bus::Result<Offset> first_at(bus::Log& log, TopicPartition where, Extent extent,
                             bus::Timestamp from) {
    while (extent.start < extent.end) {
        const Offset middle = extent.start + (extent.end - extent.start) / 2;
        const auto before = is_before(log, {where.topic, where.partition, middle}, from);
        if (!before) return before.error();
        if (*before)
            extent.start = middle + 1;
        else
            extent.end = middle;
    }
    return extent.start;
}

bool is_compacted(Topic topic) {
    return topic == Topic::keys || topic == Topic::nodes;
}

}  // namespace

std::string cursor_of(const Places& places) {
    std::string text;
    for (const auto& [where, offset] : places)
        text += bus::to_string(bus::Address{where.topic, where.partition, offset}) + ",";
    return bus::to_base64url(text);
}

bus::Result<Places> parse_cursor(std::string_view cursor) {
    const auto text = bus::from_base64(cursor);
    if (!text)
        return bus::fail(bus::ErrorCode::invalid_input, "'cursor' is none that was given out");
    Places places;
    for (std::string_view rest = *text; !rest.empty();) {
        const auto part = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(rest.size(), part.size() + 1));
        const auto address = bus::parse_address(part);
        if (!address) return address.error();
        places[{address->topic, address->partition}] = address->offset;
    }
    return places;
}

bus::Result<Places> places_before_end(bus::Log& log, const Reach& reach, std::size_t last) {
    Places places;
    for (const TopicPartition& where : reached(log, reach)) {
        const auto extent = extent_of(log, where);
        if (!extent) return extent.error();
        places[where] = extent->end - std::min<Offset>(last, extent->end - extent->start);
    }
    return places;
}

bus::Result<Places> places_from(bus::Log& log, const Reach& reach, bus::Timestamp from) {
    Places places;
    for (const TopicPartition& where : reached(log, reach)) {
        const auto extent = extent_of(log, where);
        if (!extent) return extent.error();
        const auto first = is_compacted(where.topic) ? bus::Result<Offset>{extent->end}
                                                     : first_at(log, where, *extent, from);
        if (!first) return first.error();
        places[where] = *first;
    }
    return places;
}

}  // namespace tools
