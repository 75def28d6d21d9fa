// Where a reader of the whole log stands: the next offset of each topic's partition it reads.
#pragma once

#include "bus/log.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace tools {

using Places = std::map<bus::TopicPartition, bus::Offset>;

// Opaque text, good until retention passes it.
std::string cursor_of(const Places& places);
bus::Result<Places> parse_cursor(std::string_view cursor);

// Which of the log is meant. A tenant has one partition index; a source one topic beside the
// refusals.
struct Reach {
    std::optional<bus::Topic> topic{};
    std::optional<bus::TenantId> tenant{};
    std::optional<bus::Topic> source_topic{};
};

// Its ends, less `last` records each.
bus::Result<Places> places_before_end(bus::Log& log, const Reach& reach, std::size_t last);
// The first records received at or after `from`. Of compacted topics: their ends.
bus::Result<Places> places_from(bus::Log& log, const Reach& reach, bus::Timestamp from);

}  // namespace tools
