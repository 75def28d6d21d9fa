// Single records by address, and where topic partitions start and end. One consumer, kept for life.
#pragma once

#include "bus/kafka/client.hpp"
#include "bus/slots.hpp"

#include <mutex>

namespace bus::kafka {

class Lookup {
public:
    static Result<std::unique_ptr<Lookup>> open(const KafkaOptions& options);

    // Any thread, one read at a time. Errors: not_found, gone, corrupt, unavailable.
    Result<OwnedRecord> read_at(const Address& address);

    Result<Offset> start_offset(TopicPartition where);

    // Of what others append at most `end_age_max` old; of what we append, as soon as delivered().
    Result<Offset> end_offset(TopicPartition where);
    void delivered(const Address& address);  // any thread

    static constexpr milliseconds end_age_max{5};

private:
    using SteadyTime = std::chrono::steady_clock::time_point;

    explicit Lookup(const KafkaOptions& options)
        : options_(options), slots_(options.partitions), ends_(slots_.count()) {}

    Result<Done> check_exists(TopicPartition where) const;
    Result<std::vector<Offset>> ask(const std::vector<TopicPartition>& where, std::int64_t what);
    std::vector<Offset> ask_once(const std::vector<TopicPartition>& where, std::int64_t what,
                                 rd_kafka_resp_err_t& error);
    Result<Done> refresh_ends(PartitionId partition, SteadyTime now);
    Result<OwnedRecord> fetch(const Address& address);
    Message await_record(const Address& address);
    Result<OwnedRecord> judge(const Address& address, const Message& message);

    const KafkaOptions options_;
    const Slots slots_;
    Client client_;  // outlives its topics
    std::array<TopicHandle, topic_count> topics_;

    struct End {
        Offset offset = 0;
        SteadyTime asked{};
    };
    std::mutex ends_mutex_;
    std::vector<End> ends_;  // by slot, guarded by ends_mutex_

    std::mutex fetch_mutex_;  // one read at a time
};

}  // namespace bus::kafka
