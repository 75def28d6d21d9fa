// The log on Apache Kafka, through librdkafka's C API (2.0.2 and newer).
//
// Acknowledged = acks=all by an idempotent producer. What that is worth is read from the topics:
// `replicated` when min.insync.replicas is at least 2, else `one_broker`.
// Records that were here before and are gone, or are others, end it: nothing more is appended, and
// readers are `corrupt`, until somebody has decided (log_marks.hpp).
// Duplicates are found best effort: a bounded window in memory, filled at start from the tail of
// the topics. Records of one append() thread keep their order inside a topic's partition; a record
// that was answered `unavailable` may all the same be in the log (the answer got lost): folds know
// that. Threads: any, see bus/log.hpp. Answers come on one thread of the log, never inside
// append(), except after close().
#pragma once

#include "bus/returning_log.hpp"

#include <filesystem>
#include <map>

namespace bus::kafka {

struct KafkaOptions {
    std::string brokers;                      // "host:port,host:port"
    PartitionId partitions = 8;               // of each partitioned topic; another count is refused
    std::string topic_prefix = "tributary.";  // of the topic names in the cluster
    int replication_factor = 1;               // of topics that open() has to create
    bool flush_each = true;                   // with factor 1: the broker syncs before it answers
    std::map<std::string, std::string> properties{};  // for librdkafka as they are: ssl.*, ...

    // By what stood where, a topic that was cut or made anew is known ("" = while it is open only).
    // Beside it FILE-read.
    std::filesystem::path marks_file{};

    microseconds linger{500};  // measured best of 0 to 1000 at 128 outstanding (bench_kafka)
    milliseconds message_timeout{8000};  // then refused as unavailable
    // The same for events (all but facts), where somebody keeps what is given back.
    std::optional<milliseconds> event_timeout{};
    // close() settles for so long what came before, and refuses the rest; unset: message_timeout.
    std::optional<milliseconds> close_wait_max{};
    milliseconds open_wait_max{30000};
    std::size_t record_bytes_max = 8u << 20;  // key, headers and value
    std::size_t queue_records_max = 50'000;   // admission limits: more waiting = unavailable
    std::size_t queue_bytes_max = 64u << 20;
    std::size_t dedup_keys_max = 500'000;
    std::size_t dedup_rebuild_records_max = 100'000;  // read back at start, over all partitions
};

class KafkaLog : public ReturningLog {
public:
    // Creates missing topics and warms the connections. Errors: unavailable (no broker), conflict
    // (topics exist with another partition count), invalid_input (an unknown property, or one that
    // is ours), corrupt (records that were there before are gone or others: nothing is changed),
    // unauthenticated.
    static Result<std::unique_ptr<KafkaLog>> open(const KafkaOptions& options);

    virtual Durability durability() const = 0;
};

}  // namespace bus::kafka
