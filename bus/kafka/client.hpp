// Clients of one cluster: shared settings, topic handles, log lines.
#pragma once

#include "bus/kafka/handles.hpp"
#include "bus/kafka/kafka_log.hpp"

namespace bus::kafka {

using Setting = std::pair<const char*, std::string>;

std::string topic_name(const KafkaOptions& options, Topic topic);

// Settings of ours come first and those of `options.properties` win; what our promises rest on may
// not be among them. Errors: invalid_input, else with librdkafka's own words.
Result<Configuration> make_configuration(const KafkaOptions& options,
                                         const std::vector<Setting>& settings);
Result<Client> make_client(rd_kafka_type_t type, Configuration configuration);

// The handle's opaque is index(topic): topic_of() gives it back for a message.
Result<TopicHandle> make_topic(rd_kafka_t* client, const KafkaOptions& options, Topic topic,
                               const std::vector<Setting>& settings = {});
Topic topic_of(const rd_kafka_message_t& message);

// Settings of every consumer: manual offsets, nothing is skipped, checksums are looked at.
std::vector<Setting> consumer_settings(const KafkaOptions& options);

// unavailable, in words that name the brokers.
Error broker_error(const KafkaOptions& options, std::string_view doing, rd_kafka_resp_err_t error);

}  // namespace bus::kafka
