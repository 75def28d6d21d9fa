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

    // Of what others do at most twice as old as the question took, within age_min and age_max; of
    // what we append, as soon as delivered().
    Result<Offset> start_offset(TopicPartition where);
    Result<Offset> end_offset(TopicPartition where);
    void delivered(const Address& address);  // any thread
    // As the brokers say now, though it were less than before.
    Result<Offset> end_offset_now(TopicPartition where);

    static constexpr milliseconds age_min{5}, age_max{500};

private:
    using SteadyTime = std::chrono::steady_clock::time_point;

    explicit Lookup(const KafkaOptions& options)
        : options_(options),
          slots_(options.partitions),
          starts_(slots_.count()),
          ends_(slots_.count()) {}

    Result<Done> check_exists(TopicPartition where) const;
    Result<std::vector<Offset>> ask(const std::vector<TopicPartition>& where, std::int64_t what);
    std::vector<Offset> ask_once(const std::vector<TopicPartition>& where, std::int64_t what,
                                 rd_kafka_resp_err_t& error);
    std::vector<TopicPartition> all_of(PartitionId partition) const;
    Result<Done> refresh_starts(PartitionId partition);
    Result<Done> refresh_ends(PartitionId partition);
    Result<OwnedRecord> fetch(const Address& address);
    Message await_record(const Address& address);
    Result<OwnedRecord> judge(const Address& address, const Message& message);

    const KafkaOptions options_;
    const Slots slots_;
    Client client_;  // outlives its topics
    std::array<TopicHandle, topic_count> topics_;

    struct Bound {
        Offset offset = 0;
        SteadyTime fresh_until{};
    };
    std::mutex ends_mutex_;
    std::vector<Bound> starts_, ends_;  // by slot, guarded by ends_mutex_

    std::mutex fetch_mutex_;  // one read at a time
};

}  // namespace bus::kafka
