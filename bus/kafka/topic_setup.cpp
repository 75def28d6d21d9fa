#include "bus/kafka/topic_setup.hpp"

#include "bus/kafka/client.hpp"
#include "bus/logging.hpp"

#include <algorithm>
#include <thread>

namespace bus::kafka {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int request_ms = 10'000;
constexpr int ask_ms = 1'000;
constexpr milliseconds look_again_after{50};
constexpr std::size_t batch_overhead_bytes = 64u << 10;

int remaining_ms(Clock::time_point deadline) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now()).count();
    return static_cast<int>(std::clamp<long>(left, 1, request_ms));
}

int wanted_partitions(const KafkaOptions& options, Topic topic) {
    return is_partitioned(topic) ? static_cast<int>(options.partitions) : 1;
}

bool is_compacted(Topic topic) {
    return topic == Topic::keys || topic == Topic::nodes;
}

std::vector<Setting> topic_settings(const KafkaOptions& options, Topic topic) {
    std::vector<Setting> settings = {
        {"cleanup.policy", is_compacted(topic) ? "compact" : "delete"},
        {"retention.ms", "-1"},
        {"retention.bytes", "-1"},
        {"message.timestamp.type", "CreateTime"},
        {"unclean.leader.election.enable", "false"},
        {"max.message.bytes", std::to_string(options.record_bytes_max + batch_overhead_bytes)},
    };
    if (options.replication_factor >= 3) settings.emplace_back("min.insync.replicas", "2");
    if (options.replication_factor == 1 && options.flush_each) {
        settings.emplace_back("flush.messages", "1");
    }
    return settings;
}

// What a client says of itself while it is asked; none when it never came to that.
struct Refused {
    std::string text;  // why the brokers do not let us in
};

void on_error(rd_kafka_t*, int error, const char* text, void* refused) {
    if (error == RD_KAFKA_RESP_ERR__AUTHENTICATION) static_cast<Refused*>(refused)->text = text;
}

// Topics of the cluster with their partitions. All of them: asking for one by name could create it.
// Wrong user or password are no reason to wait.
Result<Metadata> ask_metadata(rd_kafka_t* client, const KafkaOptions& options,
                              Clock::time_point deadline) {
    for (;;) {
        const rd_kafka_metadata_t* metadata = nullptr;
        const auto error = rd_kafka_metadata(client, 1, nullptr, &metadata,
                                             std::min(ask_ms, remaining_ms(deadline)));
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return Metadata{metadata};
        rd_kafka_poll(client, 0);
        if (const auto* refused = static_cast<const Refused*>(rd_kafka_opaque(client));
            !refused->text.empty()) {
            return fail(ErrorCode::unauthenticated,
                        "Kafka at {} does not let us in: {}; look at security.protocol and sasl.* "
                        "(--kafka-properties)",
                        options.brokers, refused->text);
        }
        if (Clock::now() >= deadline) return broker_error(options, "look for topics", error);
    }
}

const rd_kafka_metadata_topic_t* find(const rd_kafka_metadata_t& metadata,
                                      const std::string& name) {
    for (int i = 0; i < metadata.topic_cnt; ++i) {
        if (name == metadata.topics[i].topic) return &metadata.topics[i];
    }
    return nullptr;
}

bool has_leaders(const rd_kafka_metadata_topic_t& topic) {
    return topic.err == RD_KAFKA_RESP_ERR_NO_ERROR && topic.partition_cnt > 0 &&
           std::all_of(topic.partitions, topic.partitions + topic.partition_cnt,
                       [](const auto& partition) { return partition.leader >= 0; });
}

Result<Done> check_partition_counts(const rd_kafka_metadata_t& metadata,
                                    const KafkaOptions& options) {
    for (std::size_t i = 0; i < topic_count; ++i) {
        const std::string name = topic_name(options, topic_at(i));
        const auto* topic = find(metadata, name);
        if (!topic || topic->partition_cnt == 0) continue;
        const int wanted = wanted_partitions(options, topic_at(i));
        if (topic->partition_cnt != wanted) {
            return fail(ErrorCode::conflict,
                        "topic {} has {} partitions, but this start asks for {}; the number is "
                        "fixed at the first start",
                        name, topic->partition_cnt, wanted);
        }
    }
    return Done{};
}

Result<NewTopic> describe_new(const KafkaOptions& options, Topic topic) {
    char why[256];
    NewTopic wanted{rd_kafka_NewTopic_new(topic_name(options, topic).c_str(),
                                          wanted_partitions(options, topic),
                                          options.replication_factor, why, sizeof why)};
    if (!wanted) return fail(ErrorCode::invalid_input, "topic {}: {}", name(topic), why);
    for (const auto& [setting, value] : topic_settings(options, topic)) {
        rd_kafka_NewTopic_set_config(wanted.get(), setting, value.c_str());
    }
    return wanted;
}

// Waits for the one answer to an admin request.
Event await(const Queue& answers) {
    return Event{rd_kafka_queue_poll(answers.get(), request_ms + 1000)};
}

AdminOptions admin_options(rd_kafka_t* client, rd_kafka_admin_op_t operation) {
    AdminOptions options{rd_kafka_AdminOptions_new(client, operation)};
    char why[256];
    rd_kafka_AdminOptions_set_request_timeout(options.get(), request_ms, why, sizeof why);
    return options;
}

Result<Done> judge_creation(const KafkaOptions& options, const Event& answer) {
    if (!answer) return fail(ErrorCode::unavailable, "create topics: no answer");
    if (const auto error = rd_kafka_event_error(answer.get())) {
        return broker_error(options, "create topics", error);
    }
    std::size_t count = 0;
    const auto* result = rd_kafka_event_CreateTopics_result(answer.get());
    const auto** topics = rd_kafka_CreateTopics_result_topics(result, &count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto error = rd_kafka_topic_result_error(topics[i]);
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR ||
            error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
            continue;  // another node was quicker; its partition count is compared next
        }
        return fail(ErrorCode::unavailable, "create topic {} with replication factor {}: {}",
                    rd_kafka_topic_result_name(topics[i]), options.replication_factor,
                    rd_kafka_topic_result_error_string(topics[i]));
    }
    return Done{};
}

Result<Done> create(rd_kafka_t* client, const KafkaOptions& options,
                    const std::vector<Topic>& missing) {
    std::vector<NewTopic> owned;
    std::vector<rd_kafka_NewTopic_t*> wanted;
    for (const Topic topic : missing) {
        auto described = describe_new(options, topic);
        if (!described) return described.error();
        owned.push_back(*std::move(described));
        wanted.push_back(owned.back().get());
    }
    const Queue answers{rd_kafka_queue_new(client)};
    const auto request = admin_options(client, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_CreateTopics(client, wanted.data(), wanted.size(), request.get(), answers.get());
    return judge_creation(options, await(answers));
}

std::vector<Topic> missing_topics(const rd_kafka_metadata_t& metadata,
                                  const KafkaOptions& options) {
    std::vector<Topic> missing;
    for (std::size_t i = 0; i < topic_count; ++i) {
        const auto* topic = find(metadata, topic_name(options, topic_at(i)));
        if (!topic || topic->partition_cnt == 0) missing.push_back(topic_at(i));
    }
    return missing;
}

bool all_have_leaders(const rd_kafka_metadata_t& metadata, const KafkaOptions& options) {
    for (std::size_t i = 0; i < topic_count; ++i) {
        const auto* topic = find(metadata, topic_name(options, topic_at(i)));
        if (!topic || !has_leaders(*topic)) return false;
    }
    return true;
}

Result<Done> await_leaders(rd_kafka_t* client, const KafkaOptions& options,
                           Clock::time_point deadline) {
    for (;;) {
        auto metadata = ask_metadata(client, options, deadline);
        if (!metadata) return metadata.error();
        if (auto same = check_partition_counts(**metadata, options); !same) return same;
        if (all_have_leaders(**metadata, options)) return Done{};
        if (Clock::now() >= deadline) {
            return fail(ErrorCode::unavailable, "topics {}* at {} have partitions without a leader",
                        options.topic_prefix, options.brokers);
        }
        std::this_thread::sleep_for(look_again_after);
    }
}

struct Promises {
    int min_insync_replicas = 1;
    bool flushed_each = false;
    bool kept_for_ever = false;
};

Promises read_promises(const rd_kafka_ConfigResource_t* resource) {
    Promises promises;
    std::size_t count = 0;
    const auto** entries = rd_kafka_ConfigResource_configs(resource, &count);
    for (std::size_t i = 0; i < count; ++i) {
        const std::string_view name = rd_kafka_ConfigEntry_name(entries[i]);
        const char* text = rd_kafka_ConfigEntry_value(entries[i]);
        const std::string_view value = text ? text : "";
        if (name == "min.insync.replicas")
            promises.min_insync_replicas = std::atoi(text ? text : "1");
        if (name == "flush.messages") promises.flushed_each = value == "1";
        if (name == "retention.ms") promises.kept_for_ever = value == "-1";
    }
    return promises;
}

void warn_if_it_expires(std::string_view topic, const Promises& promises,
                        const KafkaOptions& options) {
    const bool must_stay =
        topic == topic_name(options, Topic::facts) || topic == topic_name(options, Topic::control);
    if (must_stay && !promises.kept_for_ever) {
        logging::warn("kafka_topic_expires", {{"topic", topic}, {"set", "retention.ms=-1"}});
    }
}

Result<Durability> weakest(const KafkaOptions& options, const Event& answer) {
    if (!answer) return fail(ErrorCode::unavailable, "describe topics: no answer");
    if (const auto error = rd_kafka_event_error(answer.get())) {
        return broker_error(options, "describe topics", error);
    }
    std::size_t count = 0;
    const auto* result = rd_kafka_event_DescribeConfigs_result(answer.get());
    const auto** resources = rd_kafka_DescribeConfigs_result_resources(result, &count);
    Durability level = Durability::replicated;
    int unsynced = 0;
    for (std::size_t i = 0; i < count; ++i) {
        // A broker that has not heard of a new topic yet answers with no settings at all.
        if (const auto error = rd_kafka_ConfigResource_error(resources[i]))
            return broker_error(options, "describe topics", error);
        const Promises promises = read_promises(resources[i]);
        warn_if_it_expires(rd_kafka_ConfigResource_name(resources[i]), promises, options);
        if (promises.min_insync_replicas >= 2) continue;
        level = Durability::one_broker;
        unsynced += promises.flushed_each ? 0 : 1;
    }
    if (unsynced > 0) {
        logging::warn("kafka_not_synced",
                      {{"topics", unsynced}, {"set", "flush.messages=1 or min.insync.replicas=2"}});
    }
    return level;
}

Result<Durability> ask_durability(rd_kafka_t* client, const KafkaOptions& options) {
    std::vector<ConfigResource> owned;
    std::vector<rd_kafka_ConfigResource_t*> asked;
    for (std::size_t i = 0; i < topic_count; ++i) {
        owned.emplace_back(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC,
                                                       topic_name(options, topic_at(i)).c_str()));
        asked.push_back(owned.back().get());
    }
    const Queue answers{rd_kafka_queue_new(client)};
    const auto request = admin_options(client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_DescribeConfigs(client, asked.data(), asked.size(), request.get(), answers.get());
    return weakest(options, await(answers));
}

Result<Durability> read_durability(rd_kafka_t* client, const KafkaOptions& options,
                                   Clock::time_point deadline) {
    for (;;) {
        auto durability = ask_durability(client, options);
        if (durability || Clock::now() >= deadline) return durability;
        std::this_thread::sleep_for(look_again_after);
    }
}

}  // namespace

Result<Durability> ensure_topics(const KafkaOptions& options) {
    const auto deadline = Clock::now() + options.open_wait_max;
    auto configuration = make_configuration(options, {});
    if (!configuration) return configuration.error();
    Refused refused;
    rd_kafka_conf_set_opaque(configuration->get(), &refused);
    rd_kafka_conf_set_error_cb(configuration->get(), on_error);
    auto client = make_client(RD_KAFKA_PRODUCER, *std::move(configuration));
    if (!client) return client.error();
    auto metadata = ask_metadata(client->get(), options, deadline);
    if (!metadata) return metadata.error();
    if (auto same = check_partition_counts(**metadata, options); !same) return same.error();
    const auto missing = missing_topics(**metadata, options);
    if (!missing.empty()) {
        if (auto made = create(client->get(), options, missing); !made) return made.error();
    }
    if (auto led = await_leaders(client->get(), options, deadline); !led) return led.error();
    return read_durability(client->get(), options, deadline);
}

}  // namespace bus::kafka
