// Records and options that the Kafka tests share.
#pragma once

#include "bus/clock.hpp"
#include "bus/envelope.hpp"
#include "bus/kafka/kafka_log.hpp"
#include "bus/text.hpp"

#include <string>

namespace tests {

inline bus::kafka::KafkaOptions kafka_options(const std::string& brokers,
                                              const std::string& prefix) {
    bus::kafka::KafkaOptions options;
    options.brokers = brokers;
    options.partitions = 2;
    options.topic_prefix = prefix;
    return options;
}

inline bus::NewRecord new_record(bus::Topic topic, bus::PartitionId partition, std::string value) {
    const auto now = bus::system_clock().now();
    bus::NewRecord record;
    record.topic = topic;
    record.partition = partition;
    record.key = "tnt_0000000000001";
    record.headers.add(bus::header::id, bus::to_string(bus::random_ids().next_event_id(now)));
    record.headers.add(bus::header::ingest_time, bus::to_iso(now));
    record.value = std::move(value);
    record.ingest_time = now;
    return record;
}

inline bus::DedupKey dedup_key(std::uint8_t first) {
    bus::DedupKey key;
    key.bytes[0] = first;
    key.bytes[9] = 7;
    return key;
}

// As a receiver does it: the key stands in the record too, so that it is found after a restart.
inline bus::NewRecord with_dedup(bus::NewRecord record, const bus::DedupKey& key) {
    record.headers.add(bus::header::dedup,
                       bus::to_hex({reinterpret_cast<const char*>(key.bytes.data()), 16}));
    record.dedup = key;
    return record;
}

}  // namespace tests
