// Reads some topic partitions from given offsets: a client of its own, in no group. An offset that
// the brokers refuse although they have it, or soon do again, is `unavailable`: open another one.
#pragma once

#include "bus/kafka/client.hpp"
#include "bus/slots.hpp"

namespace bus::kafka {

// First offset and end of a topic partition, to tell what an offset out of range means.
using Bounds = std::function<Result<std::pair<Offset, Offset>>(TopicPartition)>;

class PartitionReader final : public Reader {
public:
    struct Start {
        TopicPartition where;
        Offset from = 0;
    };
    static Result<std::unique_ptr<PartitionReader>> open(const KafkaOptions& options,
                                                         const std::vector<Start>& starts,
                                                         Signal* signal, Bounds bounds);
    ~PartitionReader() override;

    Result<RecordBatch> poll(std::size_t records_max, std::size_t bytes_max) override;

private:
    PartitionReader(const KafkaOptions& options, Bounds bounds)
        : bounds_(std::move(bounds)), slots_(options.partitions), expected_(slots_.count()) {}

    Result<Done> begin(const KafkaOptions& options, const Start& start);
    Result<Done> take(const rd_kafka_message_t& message, RecordBatch& batch, class Arena& arena);
    Result<Done> check_offset(const Address& address) const;
    Error failure_of(const rd_kafka_message_t& message) const;

    const Bounds bounds_;
    const Slots slots_;
    std::vector<Offset> expected_;  // next offset by slot
    std::optional<Error> failure_;  // what ended this reader, for good

    Client client_;  // outlives what follows
    std::array<TopicHandle, topic_count> topics_;
    Queue queue_;
    std::vector<TopicPartition> started_;
};

}  // namespace bus::kafka
