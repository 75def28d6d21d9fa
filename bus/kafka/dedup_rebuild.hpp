// Fills the window of seen requests from the tail of the topics, at start.
#pragma once

#include "bus/kafka/dedup_window.hpp"
#include "bus/kafka/lookup.hpp"

namespace bus::kafka {

// Reads at most `dedup_rebuild_records_max` records, shared evenly by the topic partitions that
// hold any, and stops after 5 s with what it has. Errors: unavailable.
Result<Done> rebuild_dedup(const KafkaOptions& options, Lookup& lookup, DedupWindow& window);

}  // namespace bus::kafka
