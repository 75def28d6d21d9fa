#include "bus/kafka/lookup.hpp"

#include "bus/erased_copy.hpp"
#include "bus/kafka/header_codec.hpp"

#include <algorithm>
#include <thread>

namespace bus::kafka {
namespace {

constexpr int answer_ms = 5000;
constexpr int wake_after_ms = 3;
constexpr milliseconds ask_again_after{20};
constexpr std::int64_t ask_start = RD_KAFKA_OFFSET_BEGINNING;
constexpr std::int64_t ask_end = RD_KAFKA_OFFSET_END;

// A fetch may not wait for more: the next read would have to wait for it.
std::vector<Setting> lookup_settings(const KafkaOptions& options) {
    auto settings = consumer_settings(options);
    settings.insert(settings.end(), {
                                        {"fetch.wait.max.ms", "1"},
                                        {"max.partition.fetch.bytes", "16384"},
                                        {"queued.min.messages", "1"},
                                    });
    return settings;
}

bool passes(rd_kafka_resp_err_t error) {
    return error == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
           error == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
           error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
           error == RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE ||
           // What librdkafka makes of a broker that has not heard of a new topic.
           error == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
           error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC;
}

Result<OwnedRecord> own(const Address& address, const rd_kafka_message_t& message) {
    if (auto hashed = check_body(message); !hashed) return hashed.error();
    const auto header_bytes = flat_bytes(message);
    if (!header_bytes) return header_bytes.error();
    std::string headers(*header_bytes, '\0');
    write_flat(message, headers.data());
    OwnedRecord record;
    record.address = address;
    record.tombstone = message.payload == nullptr;
    if (message.key) record.key.assign(static_cast<const char*>(message.key), message.key_len);
    record.headers = Headers::from_bytes(std::move(headers));
    if (message.payload) {
        record.value.reserve(message.len + 64);  // simdjson's padding
        record.value.assign(static_cast<const char*>(message.payload), message.len);
    }
    record.erased = says_erased(record.value, record.headers);
    record.expired = says_expired(record.value, record.headers);
    return record;
}

// Far away one question is enough for all who ask for the parts of its answer in turn. One that
// took long because a broker had to be found first says nothing of how far away it is.
std::chrono::steady_clock::time_point fresh_after(std::chrono::steady_clock::time_point asked) {
    using Duration = std::chrono::steady_clock::duration;
    const auto now = std::chrono::steady_clock::now();
    return now + std::clamp<Duration>(2 * (now - asked), Lookup::age_min, Lookup::age_max);
}

}  // namespace

Result<std::unique_ptr<Lookup>> Lookup::open(const KafkaOptions& options) {
    auto configuration = make_configuration(options, lookup_settings(options));
    if (!configuration) return configuration.error();
    auto client = make_client(RD_KAFKA_CONSUMER, *std::move(configuration));
    if (!client) return client.error();
    std::unique_ptr<Lookup> lookup{new Lookup(options)};
    lookup->client_ = *std::move(client);
    for (std::size_t i = 0; i < topic_count; ++i) {
        auto topic = make_topic(lookup->client_.get(), options, topic_at(i));
        if (!topic) return topic.error();
        lookup->topics_[i] = *std::move(topic);
    }
    return lookup;
}

// Right after topics were made or leaders moved, a broker may not know yet that it leads.
Result<std::vector<Offset>> Lookup::ask(const std::vector<TopicPartition>& where,
                                        std::int64_t what) {
    const auto deadline = std::chrono::steady_clock::now() + milliseconds{answer_ms};
    for (;;) {
        rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
        auto offsets = ask_once(where, what, error);
        if (!error) return offsets;
        if (!passes(error) || std::chrono::steady_clock::now() >= deadline) {
            return broker_error(options_, "ask for offsets", error);
        }
        std::this_thread::sleep_for(ask_again_after);
    }
}

std::vector<Offset> Lookup::ask_once(const std::vector<TopicPartition>& where, std::int64_t what,
                                     rd_kafka_resp_err_t& error) {
    const Partitions list{rd_kafka_topic_partition_list_new(static_cast<int>(where.size()))};
    for (const TopicPartition& one : where) {
        rd_kafka_topic_partition_list_add(list.get(), topic_name(options_, one.topic).c_str(),
                                          static_cast<std::int32_t>(one.partition))
            ->offset = what;
    }
    error = rd_kafka_offsets_for_times(client_.get(), list.get(), answer_ms);
    std::vector<Offset> offsets;
    for (const TopicPartition& one : where) {
        const auto* answer =
            rd_kafka_topic_partition_list_find(list.get(), topic_name(options_, one.topic).c_str(),
                                               static_cast<std::int32_t>(one.partition));
        if (!error) error = answer->err;
        // While a leader moves librdkafka may leave a partition out and call that no error.
        if (!error && answer->offset < 0) error = RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
        offsets.push_back(static_cast<Offset>(answer->offset));
    }
    return offsets;
}

Result<Done> Lookup::check_exists(TopicPartition where) const {
    if (slots_.contains(where)) return Done{};
    return fail(ErrorCode::not_found, "{} has no partition {}", name(where.topic), where.partition);
}

// All topics of a partition in one request: who asks for one mostly asks for all.
std::vector<TopicPartition> Lookup::all_of(PartitionId partition) const {
    std::vector<TopicPartition> where;
    for (std::size_t i = 0; i < topic_count; ++i) {
        const TopicPartition one{topic_at(i), partition};
        if (slots_.contains(one)) where.push_back(one);
    }
    return where;
}

Result<Done> Lookup::refresh_starts(PartitionId partition) {
    const auto where = all_of(partition);
    const auto asked = std::chrono::steady_clock::now();
    auto offsets = ask(where, ask_start);
    if (!offsets) return offsets.error();
    const auto fresh_until = fresh_after(asked);
    std::lock_guard lock(ends_mutex_);
    for (std::size_t i = 0; i < where.size(); ++i)
        starts_[slots_[where[i]]] = {(*offsets)[i], fresh_until};
    return Done{};
}

Result<Offset> Lookup::start_offset(TopicPartition where) {
    if (auto exists = check_exists(where); !exists) return exists.error();
    const std::size_t slot = slots_[where];
    {
        std::lock_guard lock(ends_mutex_);
        if (std::chrono::steady_clock::now() < starts_[slot].fresh_until)
            return starts_[slot].offset;
    }
    if (auto refreshed = refresh_starts(where.partition); !refreshed) return refreshed.error();
    std::lock_guard lock(ends_mutex_);
    return starts_[slot].offset;
}

Result<Done> Lookup::refresh_ends(PartitionId partition) {
    const auto where = all_of(partition);
    const auto asked = std::chrono::steady_clock::now();
    auto offsets = ask(where, ask_end);
    if (!offsets) return offsets.error();
    const auto fresh_until = fresh_after(asked);
    std::lock_guard lock(ends_mutex_);
    for (std::size_t i = 0; i < where.size(); ++i) {
        Bound& end = ends_[slots_[where[i]]];
        end.offset = std::max(end.offset, (*offsets)[i]);
        end.fresh_until = fresh_until;
    }
    return Done{};
}

Result<Offset> Lookup::end_offset(TopicPartition where) {
    if (auto exists = check_exists(where); !exists) return exists.error();
    const std::size_t slot = slots_[where];
    {
        std::lock_guard lock(ends_mutex_);
        if (std::chrono::steady_clock::now() < ends_[slot].fresh_until) return ends_[slot].offset;
    }
    if (auto refreshed = refresh_ends(where.partition); !refreshed) return refreshed.error();
    std::lock_guard lock(ends_mutex_);
    return ends_[slot].offset;
}

Result<Offset> Lookup::end_offset_now(TopicPartition where) {
    if (auto exists = check_exists(where); !exists) return exists.error();
    auto ends = ask({where}, ask_end);
    if (!ends) return ends.error();
    return ends->front();
}

void Lookup::delivered(const Address& address) {
    std::lock_guard lock(ends_mutex_);
    Offset& end = ends_[slots_[{address.topic, address.partition}]].offset;
    end = std::max(end, address.offset + 1);
}

Result<OwnedRecord> Lookup::read_at(const Address& address) {
    const TopicPartition where{address.topic, address.partition};
    auto end = end_offset(where);
    // What others have appended since it was asked for may have been read by now.
    if (end && address.offset >= *end) end = end_offset_now(where);
    if (!end) return end.error();
    if (address.offset >= *end) {
        return fail(ErrorCode::not_found, "{} is past the end, {}", to_string(address), *end);
    }
    std::lock_guard lock(fetch_mutex_);
    return fetch(address);
}

// The client's network thread may sleep for a second after a start (librdkafka 2.0.2); a question
// for the partition's offset wakes it.
Message Lookup::await_record(const Address& address) {
    rd_kafka_topic_t* topic = topics_[index(address.topic)].get();
    const auto partition = static_cast<std::int32_t>(address.partition);
    const auto deadline = std::chrono::steady_clock::now() + milliseconds{answer_ms};
    Message message{rd_kafka_consume(topic, partition, wake_after_ms)};
    while (!message && std::chrono::steady_clock::now() < deadline) {
        if (!ask({{address.topic, address.partition}}, ask_end)) return nullptr;
        message.reset(rd_kafka_consume(topic, partition, wake_after_ms));
    }
    return message;
}

Result<OwnedRecord> Lookup::fetch(const Address& address) {
    rd_kafka_topic_t* topic = topics_[index(address.topic)].get();
    const auto partition = static_cast<std::int32_t>(address.partition);
    if (rd_kafka_consume_start(topic, partition, static_cast<std::int64_t>(address.offset))) {
        return broker_error(options_, "read " + to_string(address), rd_kafka_last_error());
    }
    const Message message = await_record(address);
    rd_kafka_consume_stop(topic, partition);
    if (!message) return broker_error(options_, "read", RD_KAFKA_RESP_ERR__TIMED_OUT);
    return judge(address, message);
}

Result<OwnedRecord> Lookup::judge(const Address& address, const Message& message) {
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (static_cast<Offset>(message->offset) == address.offset) return own(address, *message);
        return fail(ErrorCode::gone, "{} was compacted away", to_string(address));
    }
    if (message->err != RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
        return broker_error(options_, "read " + to_string(address), message->err);
    }
    const TopicPartition where{address.topic, address.partition};
    const auto start = start_offset(where);
    if (!start) return start.error();
    if (address.offset < *start) {
        return fail(ErrorCode::gone, "{} is before the first one kept, {}", to_string(address),
                    *start);
    }
    const auto end = end_offset_now(where);
    if (!end) return end.error();
    if (address.offset >= *end)
        return fail(ErrorCode::not_found, "{} is past the end, {}", to_string(address), *end);
    return fail(ErrorCode::unavailable,
                "{} was said to be past the end, by a broker that led it long ago",
                to_string(address));
}

}  // namespace bus::kafka
