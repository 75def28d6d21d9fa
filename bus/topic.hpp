// The topics of the log (ARCHITECTURE.md, "Topics, keys, partitions").
#pragma once

#include "bus/ids.hpp"

#include <array>
#include <optional>
#include <string_view>

namespace bus {

// The first `partitioned_topics` share one number of partitions and are keyed by tenant, so that
// all of a tenant stands in one partition index of each. control, keys and nodes have one
// partition.
enum class Topic : std::uint8_t {
    email,
    chat,
    voice,
    billing,
    ticketing,
    web,
    course,
    identity,  // raw events
    facts,     // what commands produced
    rejected,  // refused at the door
    control,   // tenants, sources, API key hashes, mappings; never compacted or expired
    keys,      // wrapped data keys; compacted
    nodes,     // who serves which partition; compacted
};
inline constexpr std::size_t topic_count = 13;
inline constexpr std::size_t partitioned_topics = 10;
inline constexpr std::size_t position_topics = 9;  // those a caller's position speaks of

constexpr std::size_t index(Topic topic) {
    return static_cast<std::size_t>(topic);
}
constexpr Topic topic_at(std::size_t i) {
    return static_cast<Topic>(i);
}
constexpr bool is_partitioned(Topic topic) {
    return index(topic) < partitioned_topics;
}

// What was reported from outside may be kept for a time; what commands decided is kept for ever.
constexpr bool may_expire(Topic topic) {
    return is_partitioned(topic) && topic != Topic::facts;
}

std::string_view short_name(Topic topic);                 // "chat"
std::string_view name(Topic topic);                       // "tributary.chat"
std::optional<Topic> parse_topic(std::string_view text);  // either form

// murmur2 with the seed and sign mask of Kafka's Java client, so that every client agrees.
std::uint32_t murmur2(std::string_view key);
PartitionId partition_of(std::string_view key, PartitionId partitions);

struct TopicPartition {
    Topic topic = Topic::email;
    PartitionId partition = 0;
    auto operator<=>(const TopicPartition&) const = default;
};

// Where one record stands.
struct Address {
    Topic topic = Topic::email;
    PartitionId partition = 0;
    Offset offset = 0;
    auto operator<=>(const Address&) const = default;
};
std::string to_string(const Address& address);  // "chat/3/4711"
Result<Address> parse_address(std::string_view text);

}  // namespace bus
