// The marks of a log, and whether its topics still have the records that they name.
#pragma once

#include "bus/kafka/log_marks.hpp"
#include "bus/kafka/lookup.hpp"

namespace bus::kafka {

// Any thread.
class MarkCheck {
public:
    explicit MarkCheck(const KafkaOptions& options);

    // Errors: corrupt (Kafka has lost records, and stays with it; bus/look_again.hpp), unavailable.
    // What expired, or was deleted from the beginning, cannot be compared and passes.
    Result<Done> check(Lookup& lookup, TopicPartition where) const;
    // First offset and end, of a topic partition that passes check().
    Result<std::pair<Offset, Offset>> bounds(Lookup& lookup, TopicPartition where) const;

    LogMarks put, read;  // of what we appended, and of what we read, whoever appended it

private:
    Result<Done> compare(Lookup& lookup, TopicPartition where) const;
    Result<Done> compare(Lookup& lookup, const LogMarks::Mark& mark) const;

    const KafkaOptions options_;
};

}  // namespace bus::kafka
