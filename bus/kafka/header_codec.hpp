// Our flat headers and Kafka's record headers, one to one and in order.
#pragma once

#include "bus/headers.hpp"
#include "bus/kafka/handles.hpp"

namespace bus::kafka {

KafkaHeaders to_kafka(HeadersView headers);

// Bytes that to write_flat() needs, or corrupt: a foreign record may exceed the bounds of
// bus/headers.hpp.
Result<std::size_t> flat_bytes(const rd_kafka_message_t& message);
void write_flat(const rd_kafka_message_t& message, char* out);

}  // namespace bus::kafka
