// A cluster of one broker inside this process, by librdkafka itself: it knows no admin requests, so
// no KafkaLog opens on it, yet single clients do. Its topics come by themselves, with one
// partition.
#pragma once

#include "bus/kafka/handles.hpp"

#include <doctest/doctest.h>

#include <librdkafka/rdkafka_mock.h>

#include <string>

namespace tests {

class MockCluster {
public:
    MockCluster() {
        char why[256] = "";
        client_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why, sizeof why));
        REQUIRE_MESSAGE(client_, std::string(why));
        cluster_ = rd_kafka_mock_cluster_new(client_.get(), 1);
        REQUIRE(cluster_);
    }
    ~MockCluster() { rd_kafka_mock_cluster_destroy(cluster_); }
    MockCluster(const MockCluster&) = delete;
    MockCluster& operator=(const MockCluster&) = delete;

    std::string brokers() const { return rd_kafka_mock_cluster_bootstraps(cluster_); }
    void make_topic(const std::string& name) {
        REQUIRE(!rd_kafka_mock_topic_create(cluster_, name.c_str(), 1, 1));
    }
    // A record of partition 0 that has nothing but an id.
    void append(const std::string& topic, const std::string& id) {
        if (!producer_) {
            char why[256] = "";
            rd_kafka_conf_t* settings = rd_kafka_conf_new();
            rd_kafka_conf_set(settings, "bootstrap.servers", brokers().c_str(), why, sizeof why);
            producer_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, settings, why, sizeof why));
            REQUIRE_MESSAGE(producer_, std::string(why));
        }
        REQUIRE(!rd_kafka_producev(
            producer_.get(), RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(0),
            RD_KAFKA_V_HEADER("ce_id", id.data(), id.size()), RD_KAFKA_V_END));
        REQUIRE(!rd_kafka_flush(producer_.get(), 10'000));
    }
    void stop_answering() { rd_kafka_mock_broker_set_down(cluster_, 1); }

private:
    bus::kafka::Client client_;
    rd_kafka_mock_cluster_t* cluster_ = nullptr;
    bus::kafka::Client producer_;
};

}  // namespace tests
