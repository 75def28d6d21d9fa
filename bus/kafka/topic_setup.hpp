// Creates the topics that are missing and says what their settings promise.
#pragma once

#include "bus/kafka/kafka_log.hpp"

namespace bus::kafka {

// Returns once every topic has a leader on each partition. Errors: see KafkaLog::open().
Result<Durability> ensure_topics(const KafkaOptions& options);

}  // namespace bus::kafka
