#include "bus/memory/memory_log.hpp"

#include "bus/envelope.hpp"

#include <algorithm>

namespace bus::memory {
namespace {

constexpr std::size_t value_padding_bytes = 64;

std::size_t bytes_of(const NewRecord& record) {
    return record.key.size() + record.headers.bytes().size() + record.value.size();
}

EventId id_of(const Headers& headers) {
    return parse_event_id(headers.view().get(header::id)).value_or(EventId{});
}

std::optional<Error> take(std::map<std::uint64_t, Error>& faults, std::uint64_t call) {
    auto found = faults.find(call);
    if (found == faults.end()) return std::nullopt;
    Error error = std::move(found->second);
    faults.erase(found);
    return error;
}

Position position_after(const Address& address) {
    Position position{.partition = address.partition};
    if (is_partitioned(address.topic)) position[address.topic] = address.offset + 1;
    return position;
}

}  // namespace

void FaultPlan::fail_append(std::uint64_t nth, Error error) {
    std::lock_guard lock(mutex_);
    append_faults_.insert_or_assign(appends_ + nth, std::move(error));
}

void FaultPlan::fail_read(std::uint64_t nth, Error error) {
    std::lock_guard lock(mutex_);
    read_faults_.insert_or_assign(reads_ + nth, std::move(error));
}

void FaultPlan::delay_appends(microseconds delay) {
    std::lock_guard lock(mutex_);
    delay_ = delay;
}

std::optional<Error> FaultPlan::next_append() {
    std::lock_guard lock(mutex_);
    return take(append_faults_, ++appends_);
}

std::optional<Error> FaultPlan::next_read() {
    std::lock_guard lock(mutex_);
    return take(read_faults_, ++reads_);
}

microseconds FaultPlan::delay() const {
    std::lock_guard lock(mutex_);
    return delay_;
}

// Views of one batch, and the records they look into.
class MemoryReader final : public Reader {
public:
    MemoryReader(MemoryLog& log, const ReaderOptions& options) : log_(log), options_(options) {
        if (!options.signal) return;
        std::lock_guard lock(log_.mutex_);
        log_.listeners_.push_back({this, options.signal});
    }
    ~MemoryReader() override {
        std::lock_guard lock(log_.mutex_);
        std::erase_if(log_.listeners_, [this](const auto& l) { return l.reader == this; });
    }

    Result<RecordBatch> poll(std::size_t records_max, std::size_t bytes_max) override {
        if (auto fault = log_.faults_.next_read()) return *fault;
        auto kept = std::make_shared<std::vector<MemoryLog::Stored>>();
        RecordBatch batch;
        std::size_t bytes = 0;
        std::lock_guard lock(log_.mutex_);
        for (std::size_t t = 0; t < topic_count; ++t) {
            if (!options_.topics[t]) continue;
            Offset& next = options_.from[t];
            while (batch.records.size() < records_max && (batch.empty() || bytes < bytes_max)) {
                auto stored = log_.find(where(topic_at(t)), next);
                if (!stored) break;
                batch.records.push_back(show(*stored, topic_at(t), next++));
                bytes += stored->value_bytes;
                kept->push_back(std::move(stored));
            }
        }
        batch.storage = std::move(kept);
        return batch;
    }

private:
    TopicPartition where(Topic topic) const {
        return {topic, is_partitioned(topic) ? options_.partition : 0};
    }
    RecordView show(const StoredRecord& stored, Topic topic, Offset offset) const {
        return {.address = {topic, where(topic).partition, offset},
                .key = stored.key,
                .headers = stored.headers.view(),
                .value = std::string_view(stored.value).substr(0, stored.value_bytes),
                .tombstone = stored.tombstone,
                .erased = stored.erased};
    }

    MemoryLog& log_;
    ReaderOptions options_;  // `from` moves on with each poll
};

MemoryLog::MemoryLog(MemoryLogOptions options)
    : options_(options), slots_(options.partitions), records_(slots_.count()) {
    thread_ = std::thread([this] { run(); });
}

MemoryLog::~MemoryLog() {
    close();
}

std::optional<Error> MemoryLog::check(const NewRecord& record) const {
    if (closing_) return fail(ErrorCode::cancelled, "the log is closing");
    if (!slots_.contains({record.topic, record.partition}))
        return fail(ErrorCode::invalid_input, "{} has no partition {}", short_name(record.topic),
                    record.partition);
    if (bytes_of(record) > options_.record_bytes_max)
        return fail(ErrorCode::too_large, "a record of {} bytes, {} are allowed", bytes_of(record),
                    options_.record_bytes_max);
    return std::nullopt;
}

void MemoryLog::append(NewRecord record, AppendDone done) {
    auto fault = faults_.next_append();
    std::unique_lock lock(mutex_);
    auto refused = check(record);
    if (!refused) refused = std::move(fault);
    if (closing_) {  // our thread may be gone
        lock.unlock();
        return done(std::move(*refused));
    }
    waiting_.push_back({std::move(record), std::move(done), std::move(refused)});
    changed_.notify_all();
}

void MemoryLog::run() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return closing_ || (!waiting_.empty() && !held_); });
        if (waiting_.empty() && closing_) return;
        const microseconds delay = faults_.delay();
        if (delay.count() > 0 && !closing_) {
            changed_.wait_for(lock, delay, [this] { return closing_ || held_; });
            if (held_ && !closing_) continue;
        }
        std::deque<Waiting> waiting = std::move(waiting_);
        waiting_.clear();
        lock.unlock();
        settle(std::move(waiting));
        lock.lock();
    }
}

void MemoryLog::settle(std::deque<Waiting> waiting) {
    std::vector<Result<Appended>> results;
    results.reserve(waiting.size());
    {
        std::lock_guard lock(mutex_);
        for (Waiting& one : waiting) results.push_back(store(one));
    }
    notify_readers();
    for (std::size_t i = 0; i < waiting.size(); ++i) waiting[i].done(std::move(results[i]));
}

Result<Appended> MemoryLog::store(Waiting& waiting) {
    NewRecord& record = waiting.record;
    if (waiting.refused) return std::move(*waiting.refused);
    const auto next = records_[slots_[{record.topic, record.partition}]].size();
    if (record.at && *record.at != next)
        return fail(ErrorCode::conflict, "{} is not the next place",
                    to_string(Address{record.topic, record.partition, *record.at}));
    if (record.dedup && !record.at) {
        auto seen = seen_.find(*record.dedup);
        if (seen != seen_.end() && record.ingest_time < seen->second.until)
            return Appended{.address = seen->second.address,
                            .id = seen->second.id,
                            .duplicate = true,
                            .durability = Durability::memory,
                            .position = position_after(seen->second.address)};
    }
    const std::size_t bytes = bytes_of(record);
    full_ = options_.log_bytes_max > 0 && stored_bytes_ + bytes > options_.log_bytes_max;
    if (full_) return fail(ErrorCode::unavailable, "the log is full: {} bytes", stored_bytes_);
    stored_bytes_ += bytes;

    auto& partition = records_[slots_[{record.topic, record.partition}]];
    const Address address{record.topic, record.partition, partition.size()};
    auto stored = std::make_shared<StoredRecord>();
    stored->id = id_of(record.headers);
    stored->key = std::move(record.key);
    stored->headers = std::move(record.headers);
    stored->value_bytes = record.value.size();
    stored->value = std::move(record.value);
    stored->value.append(value_padding_bytes, '\0');
    stored->tombstone = record.tombstone;
    if (record.dedup)
        seen_.insert_or_assign(*record.dedup,
                               Seen{address, stored->id, record.ingest_time + record.dedup_window});
    partition.push_back(stored);
    return Appended{.address = address,
                    .id = stored->id,
                    .duplicate = false,
                    .durability = Durability::memory,
                    .position = position_after(address)};
}

MemoryLog::Stored MemoryLog::find(TopicPartition where, Offset offset) const {
    const auto& partition = records_[slots_[where]];
    return offset < partition.size() ? partition[offset] : nullptr;
}

void MemoryLog::notify_readers() {
    std::lock_guard lock(mutex_);
    for (const Listener& listener : listeners_) listener.signal->notify();
}

void MemoryLog::hold_syncs() {
    std::lock_guard lock(mutex_);
    held_ = true;
    changed_.notify_all();
}

void MemoryLog::release_syncs() {
    std::lock_guard lock(mutex_);
    held_ = false;
    changed_.notify_all();
}

std::size_t MemoryLog::waiting() const {
    const std::lock_guard lock(mutex_);
    return waiting_.size();
}

void MemoryLog::lose_unsynced_tail() {
    std::deque<Waiting> lost;
    {
        std::lock_guard lock(mutex_);
        lost = std::move(waiting_);
        waiting_.clear();
    }
    for (Waiting& one : lost) one.done(fail(ErrorCode::unavailable, "lost before it was durable"));
}

Result<std::unique_ptr<Reader>> MemoryLog::open_reader(const ReaderOptions& options) {
    if (options.partition >= options_.partitions)
        return fail(ErrorCode::invalid_input, "there is no partition {}", options.partition);
    return std::unique_ptr<Reader>(std::make_unique<MemoryReader>(*this, options));
}

Result<OwnedRecord> MemoryLog::read_at(const Address& address) {
    if (auto fault = faults_.next_read()) return *fault;
    const TopicPartition where{address.topic, address.partition};
    if (!slots_.contains(where)) return fail(ErrorCode::not_found, "no {}", to_string(address));
    std::lock_guard lock(mutex_);
    auto stored = find(where, address.offset);
    if (!stored) return fail(ErrorCode::not_found, "no {}", to_string(address));
    return OwnedRecord{.address = address,
                       .key = stored->key,
                       .headers = stored->headers,
                       .value = stored->value.substr(0, stored->value_bytes),
                       .tombstone = stored->tombstone,
                       .erased = stored->erased};
}

Result<Offset> MemoryLog::start_offset(TopicPartition where) {
    if (!slots_.contains(where))
        return fail(ErrorCode::not_found, "{} has no partition {}", short_name(where.topic),
                    where.partition);
    return Offset{0};
}

Result<Offset> MemoryLog::end_offset(TopicPartition where) {
    if (auto known = start_offset(where); !known) return known;
    std::lock_guard lock(mutex_);
    return Offset{records_[slots_[where]].size()};
}

Result<Erasure> MemoryLog::erase(std::span<const Address> addresses) {
    std::lock_guard lock(mutex_);
    for (const Address& address : addresses) {
        const TopicPartition where{address.topic, address.partition};
        if (!slots_.contains(where) || !find(where, address.offset))
            return fail(ErrorCode::not_found, "no {}", to_string(address));
    }
    ++rewrites_;
    for (const Address& address : addresses) {
        Stored& stored = records_[slots_[{address.topic, address.partition}]][address.offset];
        auto blank = std::make_shared<StoredRecord>(*stored);
        blank->value.assign(value_padding_bytes, '\0');
        blank->value_bytes = 0;
        blank->erased = true;
        stored = std::move(blank);
    }
    Erasure erasure;
    erasure.erased = addresses.size();
    return erasure;
}

LogStatus MemoryLog::status() const {
    std::lock_guard lock(mutex_);
    if (closing_) return {.accepting = false, .detail = "closing"};
    if (full_) return {.accepting = false, .detail = "the last record did not fit"};
    return {.accepting = true, .detail = ""};
}

void MemoryLog::close() {
    {
        std::lock_guard lock(mutex_);
        closing_ = true;
        changed_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
}

}  // namespace bus::memory
