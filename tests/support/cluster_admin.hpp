// What an operator of Kafka can see and do, for tests that do it to us.
#pragma once

#include "bus/kafka/handles.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace tests {

class ClusterAdmin {
public:
    explicit ClusterAdmin(const std::string& brokers);

    // The broker that leads most partitions of the topics with this prefix.
    int busiest_leader(const std::string& prefix);
    int leader_of(const std::string& topic, int partition);
    // Each of their partitions has a leader and that many replicas in sync.
    bool in_sync(const std::string& prefix, int replicas);
    void wait_in_sync(const std::string& prefix, int replicas, std::chrono::milliseconds patience);

    // A failure of these fails the test.
    void set(const std::string& prefix, const std::string& setting, const std::string& value);
    void set_min_in_sync(const std::string& prefix, int replicas);
    // Returns when the partition begins there.
    void delete_records(const std::string& topic, int partition, std::int64_t before);
    void delete_topic(const std::string& topic);  // returns when it is listed no more
    void create_topic(const std::string& topic, int partitions);
    std::int64_t end_of(const std::string& topic, int partition) {
        return offsets_of(topic, partition).end;
    }
    // Records that nobody but this test wrote.
    void append(const std::string& topic, int partition, int records);

private:
    struct Offsets {
        std::int64_t begin = 0, end = 0;
    };
    Offsets offsets_of(const std::string& topic, int partition);
    bus::kafka::Metadata metadata();
    bool is_listed(const std::string& topic);
    void judge(const bus::kafka::Queue& answers, const std::string& doing) const;

    bus::kafka::Client client_;
};

}  // namespace tests
