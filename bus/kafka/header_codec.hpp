// Our flat headers and Kafka's record headers, one to one and in order; behind them, on Kafka
// alone, `tr_sha`: the SHA-256 of the value, raw bytes, which readers compare and do not show.
#pragma once

#include "bus/kafka/handles.hpp"
#include "bus/log.hpp"

namespace bus::kafka {

inline constexpr std::string_view body_hash_header = "tr_sha";

// A tombstone has no body and gets no hash.
KafkaHeaders to_kafka(const NewRecord& record);

// False when the record carries no hash (older builds, tombstones). corrupt: the value is not what
// was sent.
Result<bool> check_body(const rd_kafka_message_t& message);

// Bytes that to write_flat() needs, or corrupt: a foreign record may exceed the bounds of
// bus/headers.hpp.
Result<std::size_t> flat_bytes(const rd_kafka_message_t& message);
void write_flat(const rd_kafka_message_t& message, char* out);

}  // namespace bus::kafka
