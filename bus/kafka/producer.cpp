#include "bus/kafka/producer.hpp"

#include "bus/kafka/header_codec.hpp"
#include "bus/kafka/kafka_probe.hpp"
#include "bus/logging.hpp"

#include <cstdlib>

namespace bus::kafka {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int poll_ms = 100;
constexpr int probe_ms = 500;
constexpr milliseconds probe_again_after{100};
constexpr milliseconds reconnect_after{500};
constexpr milliseconds settle_wait_max{5000};
constexpr milliseconds close_margin{1000};
constexpr std::size_t batch_overhead_bytes = 64u << 10;

// A gap would come from a record that was given up while those behind it were delivered. The
// guarantee is experimental in the words of librdkafka's CONFIGURATION.md: kafka_log_test holds it
// to it.
std::vector<Setting> settings_of(Gaps gaps, const KafkaOptions& options) {
    if (gaps == Gaps::refused)
        return {{"enable.gapless.guarantee", "true"}, {"message.timeout.ms", "0"}};
    return {{"message.timeout.ms", std::to_string(options.message_timeout.count())},
            {"statistics.interval.ms", "5000"}};
}

std::vector<Setting> producer_settings(const KafkaOptions& options, Gaps gaps) {
    std::vector<Setting> settings = settings_of(gaps, options);
    const std::vector<Setting> of_both = {
        {"acks", "all"},
        {"enable.idempotence", "true"},
        {"linger.ms", fmt::format("{:.3f}", static_cast<double>(options.linger.count()) / 1e3)},
        {"request.timeout.ms",
         std::to_string(std::min<long>(5000, options.message_timeout.count()))},
        {"message.max.bytes", std::to_string(options.record_bytes_max + batch_overhead_bytes)},
        {"queue.buffering.max.messages", std::to_string(options.queue_records_max)},
        {"queue.buffering.max.kbytes", std::to_string(options.queue_bytes_max >> 10)},
        {"partitioner", "murmur2_random"},
    };
    settings.insert(settings.end(), of_both.begin(), of_both.end());
    return settings;
}

// Of a record that was on its way when another one failed.
bool is_for_another(rd_kafka_resp_err_t error) {
    return error == RD_KAFKA_RESP_ERR__FATAL || error == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
           error == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
}

bool says_broker_is_away(rd_kafka_resp_err_t error) {
    return error == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT || error == RD_KAFKA_RESP_ERR__TIMED_OUT ||
           error == RD_KAFKA_RESP_ERR__TRANSPORT || error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ||
           error == RD_KAFKA_RESP_ERR__AUTHENTICATION;
}

}  // namespace

Producer::Producer(const KafkaOptions& options, Delivered delivered, Gaps gaps)
    : options_(options), delivered_(std::move(delivered)), gaps_(gaps) {}

Result<std::unique_ptr<Producer>> Producer::start(const KafkaOptions& options, Delivered delivered,
                                                  Gaps gaps) {
    std::unique_ptr<Producer> producer{new Producer(options, std::move(delivered), gaps)};
    auto connection = producer->connect(options.open_wait_max);
    if (!connection) return connection.error();
    producer->connection_ = *std::move(connection);
    producer->poller_ = std::thread([self = producer.get()] { self->poll_until_stopped(); });
    if (gaps == Gaps::allowed)
        producer->prober_ = std::thread([self = producer.get()] { self->probe_until_stopped(); });
    return producer;
}

Producer::~Producer() {
    close();
}

Result<std::unique_ptr<Producer::Connection>> Producer::connect(milliseconds wait_max) {
    auto configuration = make_configuration(options_, producer_settings(options_, gaps_));
    if (!configuration) return configuration.error();
    rd_kafka_conf_set_opaque(configuration->get(), this);
    rd_kafka_conf_set_dr_msg_cb(configuration->get(), on_delivery);
    rd_kafka_conf_set_error_cb(configuration->get(), on_error);
    rd_kafka_conf_set_stats_cb(configuration->get(), on_statistics);
    auto client = make_client(RD_KAFKA_PRODUCER, *std::move(configuration));
    if (!client) return client.error();
    auto connection = std::make_unique<Connection>();
    connection->client = *std::move(client);
    connection->main_queue.reset(rd_kafka_queue_get_main(connection->client.get()));
    for (std::size_t i = 0; i < topic_count; ++i) {
        auto topic = make_topic(connection->client.get(), options_, topic_at(i),
                                topic_settings(topic_at(i)));
        if (!topic) return topic.error();
        connection->topics[i] = *std::move(topic);
    }
    if (auto warmed = warm(connection->client.get(), wait_max); !warmed) return warmed.error();
    return connection;
}

std::vector<Setting> Producer::topic_settings(Topic topic) const {
    if (gaps_ == Gaps::refused || !options_.event_timeout || !may_expire(topic)) return {};
    return {{"message.timeout.ms", std::to_string(options_.event_timeout->count())}};
}

// Without it the first record of a topic waits up to a second for the metadata timer (librdkafka
// before 2.10.1).
Result<Done> Producer::warm(rd_kafka_t* client, milliseconds wait_max) const {
    const rd_kafka_metadata_t* metadata = nullptr;
    const auto error =
        rd_kafka_metadata(client, 0, nullptr, &metadata, static_cast<int>(wait_max.count()));
    if (error) return broker_error(options_, "warm the producer", error);
    rd_kafka_metadata_destroy(metadata);
    return Done{};
}

Error Producer::refusal(rd_kafka_resp_err_t error, Topic topic) const {
    if (gaps_ == Gaps::refused && is_for_another(error))
        return fail(ErrorCode::cancelled, "one before it failed");
    if (error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
        return fail(ErrorCode::too_large, "a record for {} is larger than the topic takes",
                    topic_name(options_, topic));
    }
    return broker_error(options_, "append to " + topic_name(options_, topic), error);
}

Result<Done> Producer::send(std::unique_ptr<Pending>& pending) {
    const NewRecord& record = pending->record;
    KafkaHeaders headers = to_kafka(record);
    std::shared_lock lock(connection_mutex_);
    if (closed_) return fail(ErrorCode::cancelled, "the log is closed");
    if (!connection_) {
        return fail(ErrorCode::unavailable, "the producer is being replaced");
    }
    const void* value = record.tombstone ? nullptr : record.value.data();
    waiting_.fetch_add(1, std::memory_order_relaxed);
    const auto error = rd_kafka_producev(
        connection_->client.get(), RD_KAFKA_V_RKT(connection_->topics[index(record.topic)].get()),
        RD_KAFKA_V_PARTITION(static_cast<std::int32_t>(record.partition)),
        RD_KAFKA_V_KEY(record.key.data(), record.key.size()),
        RD_KAFKA_V_VALUE(const_cast<void*>(value), value ? record.value.size() : 0),
        RD_KAFKA_V_HEADERS(headers.get()), RD_KAFKA_V_OPAQUE(pending.get()), RD_KAFKA_V_END);
    if (error) {
        waiting_.fetch_sub(1, std::memory_order_relaxed);
        return refusal(error, record.topic);
    }
    [[maybe_unused]] auto* sent_headers = headers.release();
    [[maybe_unused]] auto* comes_back = pending.release();  // in on_delivery()
    return Done{};
}

void Producer::on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
    auto& self = *static_cast<Producer*>(opaque);
    std::unique_ptr<Pending> pending{static_cast<Pending*>(message->_private)};
    self.waiting_.fetch_sub(1, std::memory_order_relaxed);
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        ++self.delivered_since_fatal_;
        if (message->offset < 0) {  // stored, but the broker has forgotten where: a copy will tell
            return self.delivered_(std::move(pending), fail(ErrorCode::unavailable,
                                                            "Kafka does not say where a "
                                                            "record stands"));
        }
        self.delivered_(std::move(pending), static_cast<Offset>(message->offset));
        return;
    }
    if (says_broker_is_away(message->err)) self.suspect();
    const Topic topic = pending->record.topic;
    self.delivered_(std::move(pending), self.refusal(message->err, topic));
}

void Producer::on_error(rd_kafka_t*, int error, const char* text, void* opaque) {
    auto& self = *static_cast<Producer*>(opaque);
    if (error == RD_KAFKA_RESP_ERR__FATAL) {
        logging::warn("kafka_producer_fatal", {{"text", text}});
        self.fatal_ = true;
    } else if (says_broker_is_away(static_cast<rd_kafka_resp_err_t>(error))) {
        self.remember_why(text);
        self.suspect();
    }
}

int Producer::on_statistics(rd_kafka_t*, char* json, std::size_t bytes, void*) {
    KafkaProbe::statistics(std::string_view(json, bytes));
    return 0;  // librdkafka frees it
}

void Producer::post(std::function<void()> answer) {
    bool awake = false;
    {
        std::lock_guard lock(posted_mutex_);
        if (!poller_ended_) {
            awake = !posted_.empty();
            posted_.push_back(std::move(answer));
            answer = nullptr;
        }
    }
    if (answer) return answer();
    if (!awake) wake_poller();
}

void Producer::wake_poller() {
    std::shared_lock lock(connection_mutex_);
    if (connection_) rd_kafka_queue_yield(connection_->main_queue.get());
}

void Producer::run_posted() {
    std::vector<std::function<void()>> answers;
    {
        std::lock_guard lock(posted_mutex_);
        answers.swap(posted_);
    }
    for (const auto& answer : answers) answer();
}

void Producer::poll_until_stopped() {
    // Only this thread replaces the connection, so it may read it without the lock.
    while (!stopping_) {
        if (connection_) {
            rd_kafka_poll(connection_->client.get(), poll_ms);
        } else {
            std::this_thread::sleep_for(reconnect_after);
        }
        run_posted();
        if (fatal_is_due()) provoke_fatal_error();
        if (gaps_ == Gaps::refused && fatal_) break;
        if (fatal_ || !connection_) replace_connection();
    }
    refuse_all();
    {
        std::lock_guard lock(posted_mutex_);
        poller_ended_ = true;
    }
    run_posted();
}

// Nothing is taken any more; what was is settled.
void Producer::refuse_all() {
    {
        std::unique_lock lock(connection_mutex_);
        closed_ = true;
    }
    if (!connection_) return;
    const milliseconds timeout =
        gaps_ == Gaps::allowed ? options_.message_timeout + close_margin : close_margin;
    settle_all(connection_->client.get(), options_.close_wait_max.value_or(timeout));
}

// A test seam, as bus/crash_point.hpp: the number of records after which it is refused for good,
// again and again.
bool Producer::fatal_is_due() {
    static const char* const text = std::getenv("TRIBUTARY_KAFKA_FATAL_EVERY");
    static const std::size_t every = text ? std::strtoul(text, nullptr, 10) : 0;
    if (every == 0 || delivered_since_fatal_ < every) return false;
    delivered_since_fatal_ = 0;
    return true;
}

void Producer::settle_all(rd_kafka_t* client, milliseconds wait_max) {
    const auto deadline = Clock::now() + wait_max;
    while (rd_kafka_outq_len(client) > 0 && Clock::now() < deadline) {
        rd_kafka_poll(client, 10);
        run_posted();
    }
    if (rd_kafka_outq_len(client) == 0) return;
    rd_kafka_purge(client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    const auto purged_by = Clock::now() + settle_wait_max;
    while (rd_kafka_outq_len(client) > 0 && Clock::now() < purged_by) rd_kafka_poll(client, 10);
}

void Producer::replace_connection() {
    std::unique_ptr<Connection> old;
    {
        std::unique_lock lock(connection_mutex_);
        old = std::move(connection_);
    }
    if (old) settle_all(old->client.get(), milliseconds{0});
    old.reset();
    fatal_ = false;
    auto made = connect(milliseconds{probe_ms});
    if (!made) return suspect();  // tried again by the polling thread
    std::unique_lock lock(connection_mutex_);
    connection_ = *std::move(made);
    KafkaProbe::producer_replaced();
}

void Producer::remember_why(const char* text) {
    std::lock_guard lock(why_mutex_);
    why_ = text;
}

std::string Producer::last_trouble() const {
    std::lock_guard lock(why_mutex_);
    return why_;
}

void Producer::suspect() {
    std::lock_guard lock(probe_mutex_);
    suspicious_ = true;
    probe_wanted_.notify_one();
}

bool Producer::probe() {
    std::shared_lock lock(connection_mutex_);
    if (!connection_) return false;
    const rd_kafka_metadata_t* metadata = nullptr;
    const auto* topic = connection_->topics[index(Topic::control)].get();
    if (rd_kafka_metadata(connection_->client.get(), 0, const_cast<rd_kafka_topic_t*>(topic),
                          &metadata, probe_ms)) {
        return false;
    }
    const bool has_broker = metadata->broker_cnt > 0;
    rd_kafka_metadata_destroy(metadata);
    return has_broker;
}

void Producer::probe_until_stopped() {
    std::unique_lock lock(probe_mutex_);
    while (!stopping_) {
        probe_wanted_.wait(lock, [&] { return suspicious_ || stopping_; });
        if (stopping_) return;
        suspicious_ = false;
        lock.unlock();
        const bool found = probe();
        if (reachable_.exchange(found) != found) KafkaProbe::reachable(found, options_.brokers);
        lock.lock();
        if (found) continue;
        suspicious_ = true;
        probe_wanted_.wait_for(lock, probe_again_after, [&] { return stopping_.load(); });
    }
}

void Producer::close() {
    std::lock_guard closing(close_mutex_);
    {
        std::unique_lock lock(connection_mutex_);
        closed_ = true;
    }
    {
        std::lock_guard lock(probe_mutex_);
        stopping_ = true;
        probe_wanted_.notify_one();
    }
    wake_poller();
    if (prober_.joinable()) prober_.join();
    if (poller_.joinable()) poller_.join();
    std::unique_lock lock(connection_mutex_);
    connection_.reset();
}

void Producer::provoke_fatal_error() {
    std::shared_lock lock(connection_mutex_);
    if (connection_) {
        rd_kafka_test_fatal_error(connection_->client.get(),
                                  RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "provoked");
    }
}

}  // namespace bus::kafka
