#include "bus/kafka/partition_reader.hpp"

#include "bus/erased_copy.hpp"
#include "bus/kafka/header_codec.hpp"
#include "bus/look_again.hpp"

#include <cstring>

namespace bus::kafka {

// The bytes of one batch: blocks that never move, each with readable bytes past the last record.
class Arena {
public:
    char* take(std::size_t bytes) {
        if (bytes + padding > left_) start_block(bytes);
        char* taken = next_;
        next_ += bytes;
        left_ -= bytes;
        taken_ += bytes;
        return taken;
    }
    std::string_view copy(const void* from, std::size_t bytes) {
        char* to = take(bytes);
        if (bytes > 0) std::memcpy(to, from, bytes);
        return {to, bytes};
    }
    std::size_t bytes() const { return taken_; }

private:
    static constexpr std::size_t padding = 64;
    static constexpr std::size_t block_bytes = 64u << 10;

    void start_block(std::size_t bytes) {
        left_ = std::max(block_bytes, bytes + padding);
        blocks_.push_back(std::make_unique_for_overwrite<char[]>(left_));
        next_ = blocks_.back().get();
        std::memset(next_ + left_ - padding, 0, padding);
    }

    std::vector<std::unique_ptr<char[]>> blocks_;
    char* next_ = nullptr;
    std::size_t left_ = 0;
    std::size_t taken_ = 0;
};

namespace {

std::vector<Setting> reader_settings(const KafkaOptions& options) {
    auto settings = consumer_settings(options);
    settings.insert(settings.end(), {
                                        {"fetch.wait.max.ms", "100"},
                                        {"queued.min.messages", "20000"},
                                        {"queued.max.messages.kbytes", "16384"},
                                    });
    return settings;
}

bool has_gaps(Topic topic) {
    return topic == Topic::keys || topic == Topic::nodes;  // compacted
}

// Passes by itself: the client connects again and goes on.
bool is_passing(rd_kafka_resp_err_t error) {
    return error == RD_KAFKA_RESP_ERR__TRANSPORT || error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ||
           error == RD_KAFKA_RESP_ERR__RESOLVE || error == RD_KAFKA_RESP_ERR__TIMED_OUT ||
           error == RD_KAFKA_RESP_ERR__PARTITION_EOF;
}

Address address_of(const rd_kafka_message_t& message) {
    return {topic_of(message), static_cast<PartitionId>(message.partition),
            static_cast<Offset>(message.offset)};
}

// Why the brokers do not give what stands at `wanted`, or is to come there.
Error why_refused(const Bounds& bounds_of, TopicPartition where, Offset wanted,
                  std::string_view name) {
    const auto bounds = bounds_of(where);
    if (!bounds) return bounds.error();
    const auto [first, end] = *bounds;
    if (wanted < first)
        return fail(ErrorCode::gone, "{} starts at offset {}, {} was asked for", name, first,
                    wanted);
    if (wanted > end)
        return fail(ErrorCode::corrupt, "{} ends at offset {}, {} was asked for", name, end,
                    wanted);
    return fail(ErrorCode::unavailable,
                "{} was said not to reach offset {}, by a broker that led it long ago", name,
                wanted);
}

void notify(rd_kafka_t*, void* signal) {
    static_cast<Signal*>(signal)->notify();
}

}  // namespace

Result<std::unique_ptr<PartitionReader>> PartitionReader::open(const KafkaOptions& options,
                                                               const std::vector<Start>& starts,
                                                               Signal* signal, Bounds bounds) {
    auto configuration = make_configuration(options, reader_settings(options));
    if (!configuration) return configuration.error();
    auto client = make_client(RD_KAFKA_CONSUMER, *std::move(configuration));
    if (!client) return client.error();
    std::unique_ptr<PartitionReader> reader{new PartitionReader(options, std::move(bounds))};
    reader->client_ = *std::move(client);
    reader->queue_.reset(rd_kafka_queue_new(reader->client_.get()));
    if (signal) rd_kafka_queue_cb_event_enable(reader->queue_.get(), notify, signal);
    for (const Start& start : starts) {
        if (auto begun = reader->begin(options, start); !begun) return begun.error();
    }
    return reader;
}

Result<Done> PartitionReader::begin(const KafkaOptions& options, const Start& start) {
    auto& topic = topics_[index(start.where.topic)];
    if (!topic) {
        auto made = make_topic(client_.get(), options, start.where.topic);
        if (!made) return made.error();
        topic = *std::move(made);
    }
    expected_[slots_[start.where]] = start.from;
    if (rd_kafka_consume_start_queue(topic.get(), static_cast<std::int32_t>(start.where.partition),
                                     static_cast<std::int64_t>(start.from), queue_.get())) {
        return broker_error(options, "read " + topic_name(options, start.where.topic),
                            rd_kafka_last_error());
    }
    started_.push_back(start.where);
    return Done{};
}

PartitionReader::~PartitionReader() {
    if (queue_) rd_kafka_queue_cb_event_enable(queue_.get(), nullptr, nullptr);
    for (const TopicPartition& where : started_) {
        rd_kafka_consume_stop(topics_[index(where.topic)].get(),
                              static_cast<std::int32_t>(where.partition));
    }
}

// One by one: the batch call of librdkafka before 2.1.0 may lose messages.
Result<RecordBatch> PartitionReader::poll(std::size_t records_max, std::size_t bytes_max) {
    RecordBatch batch;
    std::shared_ptr<Arena> arena;
    while (!failure_ && batch.records.size() < records_max &&
           (batch.empty() || arena->bytes() < bytes_max)) {
        const Message message{rd_kafka_consume_queue(queue_.get(), 0)};
        if (!message) break;
        if (!arena) arena = std::make_shared<Arena>();  // shared with the batch's storage
        if (auto taken = take(*message, batch, *arena); !taken) failure_ = taken.error();
    }
    rd_kafka_poll(client_.get(), 0);
    if (batch.empty() && failure_) return *failure_;
    batch.storage = std::move(arena);
    return batch;
}

Result<Done> PartitionReader::take(const rd_kafka_message_t& message, RecordBatch& batch,
                                   Arena& arena) {
    if (message.err) {
        if (is_passing(message.err)) return Done{};
        return failure_of(message);
    }
    const Address address = address_of(message);
    if (auto next = check_offset(address); !next) return next;
    const auto hashed = check_body(message);
    if (!hashed) return hashed.error();
    const auto header_bytes = flat_bytes(message);
    if (!header_bytes) return header_bytes.error();
    char* flat = arena.take(*header_bytes);
    write_flat(message, flat);
    const HeadersView headers({flat, *header_bytes});
    const std::string_view value = arena.copy(message.payload, message.len);
    batch.records.push_back({.address = address,
                             .key = arena.copy(message.key, message.key_len),
                             .headers = headers,
                             .value = value,
                             .tombstone = message.payload == nullptr,
                             .erased = says_erased(value, headers),
                             .expired = says_expired(value, headers),
                             .unhashed = !*hashed && message.payload != nullptr});
    expected_[slots_[{address.topic, address.partition}]] = address.offset + 1;
    return Done{};
}

Result<Done> PartitionReader::check_offset(const Address& address) const {
    const Offset expected = expected_[slots_[{address.topic, address.partition}]];
    if (address.offset == expected) return Done{};
    if (has_gaps(address.topic) && address.offset > expected) return Done{};
    return fail(ErrorCode::corrupt, "{} came where offset {} was expected", to_string(address),
                expected);
}

Error PartitionReader::failure_of(const rd_kafka_message_t& message) const {
    const char* topic = message.rkt ? rd_kafka_topic_name(message.rkt) : "";
    const char* text = rd_kafka_message_errstr(&message);
    if (message.err != RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET &&
        message.err != RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
        return fail(ErrorCode::unavailable, "read {}[{}]: {}", topic, message.partition, text);
    }
    const TopicPartition where{topic_of(message), static_cast<PartitionId>(message.partition)};
    const Offset wanted = expected_[slots_[where]];
    const auto look = [&]() -> Result<Done> {
        return why_refused(bounds_, where, wanted, fmt::format("{}[{}]", topic, message.partition));
    };
    return look_again_at_loss(look).error();
}

}  // namespace bus::kafka
