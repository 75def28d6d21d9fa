#include "bus/kafka/kafka_log.hpp"

#include "bus/envelope.hpp"
#include "bus/kafka/dedup_rebuild.hpp"
#include "bus/kafka/dedup_window.hpp"
#include "bus/kafka/mark_check.hpp"
#include "bus/kafka/partition_reader.hpp"
#include "bus/kafka/producer.hpp"
#include "bus/kafka/topic_setup.hpp"
#include "bus/logging.hpp"
#include "bus/text.hpp"

#include <atomic>
#include <limits>

namespace bus::kafka {
namespace {

constexpr milliseconds forwarding_wait_max{2'000};

std::size_t size_of(const NewRecord& record) {
    return record.key.size() + record.headers.bytes().size() + record.value.size();
}

// What a restart needs to know a copy by stands in the record itself.
void write_dedup_headers(NewRecord& record) {
    const HeadersView headers = record.headers;
    const bool has_key = headers.find(header::dedup).has_value();
    const bool has_time = headers.find(header::ingest_time).has_value();
    if (!has_key) {
        const auto& bytes = record.dedup->bytes;
        record.headers.add(header::dedup,
                           to_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
    }
    if (!has_time) record.headers.add(header::ingest_time, to_iso(record.ingest_time));
}

Position position_after(const Address& address) {
    Position position{.partition = address.partition};
    if (is_partitioned(address.topic)) position.advance(address);
    return position;
}

// Given to librdkafka as the opaque, so not on the stack.
std::unique_ptr<Pending> pending_of(NewRecord record, AppendDone done) {
    const EventId id = parse_event_id(record.headers.view().get(header::id)).value_or(EventId{});
    return std::make_unique<Pending>(
        Pending{.record = std::move(record), .id = id, .done = std::move(done)});
}

class RunningLog final : public KafkaLog {
public:
    RunningLog(const KafkaOptions& options, Durability durability)
        : options_(options),
          durability_(durability),
          slots_(options.partitions),
          seen_(options.dedup_keys_max),
          marks_(options),
          places_(slots_.count()) {}
    ~RunningLog() override {
        if (producer_) close();  // none when start() failed
    }

    Result<Done> start();

    PartitionId partitions() const override { return options_.partitions; }
    std::string_view engine() const override { return "kafka"; }
    Durability durability() const override { return durability_; }

    void append(NewRecord record, AppendDone done) override {
        append(std::move(record), std::move(done), false);
    }
    void set_give_back(GiveBack give_back) override { give_back_ = std::move(give_back); }
    void append_or_give_back(NewRecord record, AppendDone done) override {
        append(std::move(record), std::move(done), true);
    }
    Result<std::unique_ptr<OrderedAppends>> ordered_appends() override;
    Result<std::unique_ptr<Reader>> open_reader(const ReaderOptions& options) override;
    Result<OwnedRecord> read_at(const Address& address) override {
        return lookup_->read_at(address);
    }
    Result<Offset> start_offset(TopicPartition where) override {
        return lookup_->start_offset(where);
    }
    Result<Offset> end_offset(TopicPartition where) override { return lookup_->end_offset(where); }
    Result<Erasure> erase(std::span<const Address> addresses) override {
        return Erasure{.kept = addresses.size(),
                       .remark =
                           "Kafka cannot rewrite a record: its body stays on the brokers "
                           "until the topic's retention, or a deletion of records there, "
                           "drops it"};
    }
    LogStatus status() const override;
    void close() override {
        closed_ = true;
        producer_->close();
    }

private:
    class Ordered;
    class Marking;
    Result<std::unique_ptr<Producer>> start_producer(Gaps gaps);
    void append(NewRecord record, AppendDone done, bool returns);
    std::optional<Error> refusal(const NewRecord& record) const;
    std::optional<Error> lasting_refusal(const NewRecord& record) const;
    void append_copy(NewRecord record, AppendDone done);
    std::optional<Error> take_place(const NewRecord& record);
    void lose_places(TopicPartition where);
    void send(NewRecord record, AppendDone done, bool returns);
    bool is_duplicate(const NewRecord& record, AppendDone& done);
    Appended appended(const Seen& seen, bool duplicate) const;
    void answer_later(AppendDone done, Result<Appended> result);
    void delivered(std::unique_ptr<Pending> pending, Result<Offset> offset);
    void stored(const Pending& pending, Offset offset);
    void refused(Pending& pending, const Error& error);
    Bounds bounds();
    Result<Done> check_all_marks();
    Error lost(Error error);
    std::optional<Error> loss() const;

    const KafkaOptions options_;
    const Durability durability_;
    const Slots slots_;
    GiveBack give_back_;
    std::atomic<bool> closed_{false};
    DedupWindow seen_;
    MarkCheck marks_;
    mutable std::mutex loss_mutex_;
    std::optional<Error> loss_;  // what Kafka has lost; guarded by loss_mutex_
    std::atomic<bool> has_lost_{false};
    std::unique_ptr<Lookup> lookup_;

    // Next place of a copied record, by slot. None before the first; past all others after a
    // failure, so that nothing takes the place of what was lost.
    std::mutex places_mutex_;
    std::vector<std::optional<Offset>> places_;  // guarded by places_mutex_

    std::unique_ptr<Producer> producer_;  // last: its thread uses the others
};

Result<Done> RunningLog::start() {
    auto lookup = Lookup::open(options_);
    if (!lookup) return lookup.error();
    lookup_ = *std::move(lookup);
    if (auto same = check_all_marks(); !same) return same.error();
    if (auto filled = rebuild_dedup(options_, *lookup_, seen_); !filled) return filled.error();
    auto producer = start_producer(Gaps::allowed);
    if (!producer) return producer.error();
    producer_ = *std::move(producer);
    return Done{};
}

Result<std::unique_ptr<Producer>> RunningLog::start_producer(Gaps gaps) {
    KafkaOptions options = options_;
    if (gaps == Gaps::refused) options.open_wait_max = forwarding_wait_max;
    return Producer::start(
        options,
        [this](std::unique_ptr<Pending> pending, Result<Offset> offset) {
            delivered(std::move(pending), std::move(offset));
        },
        gaps);
}

std::optional<Error> RunningLog::refusal(const NewRecord& record) const {
    if (auto error = lasting_refusal(record)) return error;
    if (!producer_->reachable()) {
        return fail(ErrorCode::unavailable, "no Kafka broker of {} answers", options_.brokers);
    }
    return std::nullopt;
}

// Waiting does not help.
std::optional<Error> RunningLog::lasting_refusal(const NewRecord& record) const {
    if (!slots_.contains({record.topic, record.partition})) {
        return fail(ErrorCode::invalid_input, "{} has no partition {}", name(record.topic),
                    record.partition);
    }
    if (size_of(record) > options_.record_bytes_max) {
        return fail(ErrorCode::too_large, "a record of {} bytes; at most {} are taken",
                    size_of(record), options_.record_bytes_max);
    }
    if (const auto lost = loss()) return fail(ErrorCode::unavailable, "{}", lost->message);
    return std::nullopt;
}

void RunningLog::append(NewRecord record, AppendDone done, bool returns) {
    if (record.at) return append_copy(std::move(record), std::move(done));
    if (auto error = refusal(record)) {
        if (returns && error->code == ErrorCode::unavailable)
            return give_back_(std::move(record), std::move(done));
        return answer_later(std::move(done), *std::move(error));
    }
    if (record.dedup) {
        if (is_duplicate(record, done)) return;
        write_dedup_headers(record);
    }
    send(std::move(record), std::move(done), returns);
}

void RunningLog::append_copy(NewRecord record, AppendDone done) {
    auto error = refusal(record);
    if (!error) error = take_place(record);
    if (error) return answer_later(std::move(done), *std::move(error));
    record.dedup.reset();  // remembered from the log when it is opened again
    send(std::move(record), std::move(done), false);
}

std::optional<Error> RunningLog::take_place(const NewRecord& record) {
    const TopicPartition where{record.topic, record.partition};
    std::lock_guard lock(places_mutex_);
    auto& place = places_[slots_[where]];
    if (!place) {
        const auto end = lookup_->end_offset(where);
        if (!end) return end.error();
        place = *end;
    }
    if (*place != *record.at)
        return fail(ErrorCode::conflict, "{} is not the next place",
                    to_string(Address{record.topic, record.partition, *record.at}));
    ++*place;
    return std::nullopt;
}

void RunningLog::lose_places(TopicPartition where) {
    std::lock_guard lock(places_mutex_);
    places_[slots_[where]] = std::numeric_limits<Offset>::max();
}

void RunningLog::send(NewRecord record, AppendDone done, bool returns) {
    auto pending = pending_of(std::move(record), std::move(done));
    pending->returns = returns;
    auto sent = producer_->send(pending);
    if (sent) return;
    if (pending->record.at) lose_places({pending->record.topic, pending->record.partition});
    producer_->post([this, pending = std::shared_ptr<Pending>(std::move(pending)),
                     error = sent.error()] { refused(*pending, error); });
}

// By a producer of its own, whose records wait as long as it takes.
class RunningLog::Ordered final : public OrderedAppends {
public:
    Ordered(RunningLog& log, std::unique_ptr<Producer> producer)
        : log_(log), producer_(std::move(producer)) {}

    void append(NewRecord record, AppendDone done) override {
        auto refused = failed_ ? std::optional{fail(ErrorCode::cancelled, "one before it failed")}
                               : log_.lasting_refusal(record);
        if (!refused && record.dedup) {
            const auto& key = *record.dedup;
            if (const auto seen = log_.seen_.find(key, record.ingest_time, record.dedup_window))
                return log_.answer_later(std::move(done), log_.appended(*seen, true));
            write_dedup_headers(record);
        }
        auto pending = pending_of(std::move(record), std::move(done));
        pending->forwarded = true;
        if (!refused) {
            const auto sent = producer_->send(pending);
            if (sent) return;
            refused = sent.error();
        }
        failed_ = true;  // a gap is behind it
        log_.answer_later(std::move(pending->done), *std::move(refused));
    }

private:
    RunningLog& log_;
    bool failed_ = false;
    std::unique_ptr<Producer> producer_;
};

Result<std::unique_ptr<OrderedAppends>> RunningLog::ordered_appends() {
    auto producer = start_producer(Gaps::refused);
    if (!producer) return producer.error();
    return std::unique_ptr<OrderedAppends>(std::make_unique<Ordered>(*this, *std::move(producer)));
}

// Answers or queues the copy of a record that was seen already.
bool RunningLog::is_duplicate(const NewRecord& record, AppendDone& done) {
    const auto outcome = seen_.begin(*record.dedup, record.ingest_time, record.dedup_window, done);
    if (const auto* seen = std::get_if<Seen>(&outcome)) {
        answer_later(std::move(done), appended(*seen, true));
        return true;
    }
    return std::holds_alternative<DedupWindow::Queued>(outcome);
}

Appended RunningLog::appended(const Seen& seen, bool duplicate) const {
    return {.address = seen.address,
            .id = seen.id,
            .duplicate = duplicate,
            .durability = durability_,
            .position = position_after(seen.address)};
}

void RunningLog::answer_later(AppendDone done, Result<Appended> result) {
    producer_->post([done = std::move(done), result = std::move(result)] { done(result); });
}

void RunningLog::delivered(std::unique_ptr<Pending> pending, Result<Offset> offset) {
    if (offset) {
        stored(*pending, *offset);
    } else {
        refused(*pending, offset.error());
    }
}

void RunningLog::stored(const Pending& pending, Offset offset) {
    const NewRecord& record = pending.record;
    const Seen seen{.address = {record.topic, record.partition, offset},
                    .id = pending.id,
                    .ingest_time = record.ingest_time};
    // Or two producers' answers have overtaken each other.
    if (!marks_.put.moved(seen.address, seen.id) && !has_lost_) {
        const auto same = marks_.check(*lookup_, {record.topic, record.partition});
        if (!same) lost(same.error());
    }
    lookup_->delivered(seen.address);
    std::vector<AppendDone> copies;
    if (record.dedup && pending.forwarded)
        seen_.remember(*record.dedup, seen);
    else if (record.dedup)
        copies = seen_.settle(*record.dedup, seen);
    pending.done(appended(seen, false));
    for (const AppendDone& copy : copies) copy(appended(seen, true));
}

void RunningLog::refused(Pending& pending, const Error& error) {
    std::vector<AppendDone> copies;
    if (pending.record.at) lose_places({pending.record.topic, pending.record.partition});
    if (pending.record.dedup && !pending.forwarded) copies = seen_.forget(*pending.record.dedup);
    if (pending.returns && error.code == ErrorCode::unavailable)
        give_back_(std::move(pending.record), std::move(pending.done));
    else
        pending.done(error);
    for (const AppendDone& copy : copies) copy(error);
}

Result<Done> RunningLog::check_all_marks() {
    for (std::size_t i = 0; i < topic_count; ++i) {
        for (PartitionId partition = 0; partition < options_.partitions; ++partition) {
            const TopicPartition where{topic_at(i), partition};
            if (!slots_.contains(where)) continue;
            if (auto same = marks_.check(*lookup_, where); !same) return same;
        }
    }
    return Done{};
}

// The first one is kept and told.
Error RunningLog::lost(Error error) {
    if (error.code != ErrorCode::corrupt) return error;
    const std::lock_guard lock(loss_mutex_);
    if (!loss_) {
        logging::error("kafka_lost_records", {{"reason", error.message}});
        loss_ = error;
        has_lost_ = true;
    }
    return error;
}

std::optional<Error> RunningLog::loss() const {
    if (!has_lost_) return std::nullopt;
    const std::lock_guard lock(loss_mutex_);
    return loss_;
}

Bounds RunningLog::bounds() {
    return [this](TopicPartition where) -> Result<std::pair<Offset, Offset>> {
        auto found = marks_.bounds(*lookup_, where);
        if (!found) return lost(found.error());
        return found;
    };
}

// Marks what is read, so that it is known should its offsets be given to other records.
class RunningLog::Marking final : public Reader {
public:
    Marking(RunningLog& log, std::unique_ptr<Reader> reader)
        : log_(log), reader_(std::move(reader)) {}

    Result<RecordBatch> poll(std::size_t records_max, std::size_t bytes_max) override {
        if (failure_) return *failure_;
        auto batch = reader_->poll(records_max, bytes_max);
        if (!batch) return batch;
        const auto same = log_.marks_.read.read(batch->records);
        if (same) return batch;
        failure_ = log_.lost(same.error());
        return *failure_;
    }

private:
    RunningLog& log_;
    std::unique_ptr<Reader> reader_;
    std::optional<Error> failure_;  // for good
};

Result<std::unique_ptr<Reader>> RunningLog::open_reader(const ReaderOptions& options) {
    std::vector<PartitionReader::Start> starts;
    for (std::size_t i = 0; i < topic_count; ++i) {
        if (!options.topics.test(i)) continue;
        const TopicPartition where{topic_at(i),
                                   is_partitioned(topic_at(i)) ? options.partition : 0};
        if (!slots_.contains(where)) {
            return fail(ErrorCode::invalid_input, "{} has no partition {}", name(topic_at(i)),
                        options.partition);
        }
        if (auto same = marks_.check(*lookup_, where); !same) return lost(same.error());
        starts.push_back({where, options.from[i]});
    }
    auto reader = PartitionReader::open(options_, starts, options.signal, bounds());
    if (!reader) return reader.error();
    return std::unique_ptr<Reader>(std::make_unique<Marking>(*this, *std::move(reader)));
}

LogStatus RunningLog::status() const {
    if (closed_) return {.accepting = false, .detail = "the log is closed"};
    if (const auto lost = loss()) return {.accepting = false, .detail = lost->message};
    if (!producer_->reachable()) {
        return {.accepting = false,
                .detail = fmt::format("no Kafka broker of {} answers; start one or check the "
                                      "address (it was said last: {})",
                                      options_.brokers, producer_->last_trouble())};
    }
    if (producer_->waiting() >= options_.queue_records_max) {
        return {.accepting = false,
                .detail = fmt::format("{} records wait for Kafka; it takes fewer than come in",
                                      producer_->waiting())};
    }
    return {.accepting = true, .detail = ""};
}

}  // namespace

Result<std::unique_ptr<KafkaLog>> KafkaLog::open(const KafkaOptions& options) {
    const auto durability = ensure_topics(options);
    if (!durability) return durability.error();
    auto log = std::make_unique<RunningLog>(options, *durability);
    if (auto started = log->start(); !started) return started.error();
    logging::info("kafka_opened", {{"brokers", options.brokers},
                                   {"partitions", options.partitions},
                                   {"durability", bus::name(*durability)}});
    return std::unique_ptr<KafkaLog>(std::move(log));
}

}  // namespace bus::kafka
