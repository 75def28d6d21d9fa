// A dense number for every topic partition of an installation, for tables indexed by it.
#pragma once

#include "bus/topic.hpp"

namespace bus {

class Slots {
public:
    explicit Slots(PartitionId partitions) : partitions_(partitions) {}

    std::size_t count() const {
        return partitioned_topics * partitions_ + (topic_count - partitioned_topics);
    }
    bool contains(TopicPartition where) const {
        return where.partition < (is_partitioned(where.topic) ? partitions_ : 1);
    }
    std::size_t operator[](TopicPartition where) const {
        const std::size_t topic = index(where.topic);
        if (is_partitioned(where.topic)) return topic * partitions_ + where.partition;
        return partitioned_topics * partitions_ + (topic - partitioned_topics);
    }
    PartitionId partitions() const { return partitions_; }

private:
    PartitionId partitions_;
};

}  // namespace bus
