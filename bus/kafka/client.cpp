#include "bus/kafka/client.hpp"

#include "bus/logging.hpp"

#include <array>

namespace bus::kafka {
namespace {

constexpr int syslog_error = 3;

// Connections come and go: what librdkafka says of them is for those who look closer.
void on_log(const rd_kafka_t*, int level, const char* facility, const char* text) {
    const auto ours = level < syslog_error ? logging::Level::warn : logging::Level::debug;
    logging::write(ours, "kafka_client", {{"facility", facility}, {"text", text}});
}

// Either kind of configuration, by librdkafka's function for it.
Result<Done> set(auto* rd_kafka_set, auto* configuration, const std::string& name,
                 const std::string& value) {
    char why[512];
    if (rd_kafka_set(configuration, name.c_str(), value.c_str(), why, sizeof why) ==
        RD_KAFKA_CONF_OK) {
        return Done{};
    }
    return fail(ErrorCode::invalid_input, "Kafka property {}: {}", name, why);
}

// What Tributary promises rests on these, so nobody else may set them.
constexpr std::array our_own = {
    "acks",
    "request.required.acks",
    "enable.idempotence",
    "enable.gapless.guarantee",
    "transactional.id",
    "message.timeout.ms",
    "delivery.timeout.ms",
    "queuing.strategy",
    "partitioner",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "auto.offset.reset",
    "check.crcs",
    "bootstrap.servers",
    "metadata.broker.list",
};

Result<Done> check_properties(const KafkaOptions& options) {
    for (const char* name : our_own) {
        if (options.properties.contains(name))
            return fail(ErrorCode::invalid_input,
                        "Kafka property {}: Tributary sets it itself, what it promises rests on "
                        "it; leave it out",
                        name);
    }
    return Done{};
}

}  // namespace

std::string topic_name(const KafkaOptions& options, Topic topic) {
    return options.topic_prefix + std::string(short_name(topic));
}

Result<Configuration> make_configuration(const KafkaOptions& options,
                                         const std::vector<Setting>& settings) {
    if (auto allowed = check_properties(options); !allowed) return allowed.error();
    Configuration configuration{rd_kafka_conf_new()};
    std::vector<std::pair<std::string, std::string>> all = {
        {"bootstrap.servers", options.brokers}, {"client.id", "tributary"},
        {"socket.nagle.disable", "true"},       {"socket.keepalive.enable", "true"},
        {"reconnect.backoff.ms", "50"},         {"reconnect.backoff.max.ms", "500"},
        {"log.connection.close", "false"},
    };
#if RD_KAFKA_VERSION >= 0x020500ff
    all.emplace_back("enable.metrics.push", "false");
#endif
    all.insert(all.end(), settings.begin(), settings.end());
    all.insert(all.end(), options.properties.begin(), options.properties.end());
    for (const auto& [name, value] : all) {
        if (auto done = set(rd_kafka_conf_set, configuration.get(), name, value); !done)
            return done.error();
    }
    rd_kafka_conf_set_log_cb(configuration.get(), on_log);
    return configuration;
}

Result<Client> make_client(rd_kafka_type_t type, Configuration configuration) {
    char why[512];
    rd_kafka_t* client = rd_kafka_new(type, configuration.get(), why, sizeof why);
    if (!client) return fail(ErrorCode::invalid_input, "Kafka client: {}", why);
    [[maybe_unused]] auto* taken_over = configuration.release();
    return Client{client};
}

Result<TopicHandle> make_topic(rd_kafka_t* client, const KafkaOptions& options, Topic topic,
                               const std::vector<Setting>& settings) {
    TopicConfiguration configuration{rd_kafka_default_topic_conf_dup(client)};
    rd_kafka_topic_conf_set_opaque(configuration.get(), reinterpret_cast<void*>(index(topic)));
    for (const auto& [name, value] : settings) {
        if (auto done = set(rd_kafka_topic_conf_set, configuration.get(), name, value); !done)
            return done.error();
    }
    const std::string name = topic_name(options, topic);
    rd_kafka_topic_t* handle = rd_kafka_topic_new(client, name.c_str(), configuration.release());
    if (!handle) return broker_error(options, "open topic " + name, rd_kafka_last_error());
    return TopicHandle{handle};
}

Topic topic_of(const rd_kafka_message_t& message) {
    return topic_at(reinterpret_cast<std::size_t>(rd_kafka_topic_opaque(message.rkt)));
}

std::vector<Setting> consumer_settings(const KafkaOptions& options) {
    return {
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "error"},
        {"check.crcs", "true"},
        {"fetch.min.bytes", "1"},
        {"fetch.error.backoff.ms", "20"},
        {"receive.message.max.bytes", std::to_string(options.record_bytes_max + (100u << 20))},
    };
}

Error broker_error(const KafkaOptions& options, std::string_view doing, rd_kafka_resp_err_t error) {
    return fail(ErrorCode::unavailable, "{} at {}: {}", doing, options.brokers,
                rd_kafka_err2str(error));
}

}  // namespace bus::kafka
