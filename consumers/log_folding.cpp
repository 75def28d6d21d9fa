#include "consumers/log_folding.hpp"

#include "bus/envelope.hpp"

#include <algorithm>

namespace consumers {

static_assert(static_cast<std::uint8_t>(projections::Table::index) ==
              projections::store::index_table);

using bus::Done;
using bus::Result;

namespace {
constexpr bus::seconds read_wait_max{30};  // for records that the log is known to have
constexpr bus::milliseconds read_wait_step{50};
constexpr std::size_t full_reads_of_one_behind = 4;

// Without its body nothing follows from it but that something is missing: who was erased apart.
Result<Done> check_not_expired(const bus::RecordView& record, const schemas::Registry& registry) {
    if (!record.expired) return Done{};
    const auto envelope = bus::read_envelope(record.headers);
    if (!envelope) return envelope.error();
    if (schemas::TenantErasures(registry, envelope->tenant).cover(record.address)) return Done{};
    return bus::fail(bus::ErrorCode::gone,
                     "retention has taken its body, and these rows have not seen it: they begin "
                     "with a base (folder 'bases'), which is missing or older; restore it from a "
                     "backup");
}

}  // namespace

std::optional<std::string> FoldTarget::get(projections::Table table, std::string_view key) {
    auto value = read(static_cast<std::uint8_t>(table), key);
    if (value) return *std::move(value);
    if (!failure_) failure_ = value.error();
    return std::nullopt;
}

LogFolding::LogFolding(const ProjectorSetup& setup, bus::PartitionId partition,
                       std::vector<Feed> feeds, projections::InstanceId dedup, FoldTarget& target,
                       bus::Signal& more, const Options& options)
    : setup_(setup),
      partition_(partition),
      options_(options),
      target_(target),
      more_(more),
      records_(setup, std::move(feeds), dedup, target, options.cached_rows_max) {}

Result<std::size_t> LogFolding::step() {
    if (end_) reader_.reset();
    end_.reset();
    return read_and_apply();
}

Result<std::size_t> LogFolding::step_until(const bus::Position& end) {
    if (end_ != end) reader_.reset();
    end_ = end;
    const auto deadline = std::chrono::steady_clock::now() + read_wait_max;
    for (;;) {
        if (target_.position() == end) return std::size_t{0};
        const std::uint64_t seen = more_.count();
        const auto left = unread_topics();
        if (!left) return left.error();
        if (left->none()) return skip_to(end);
        auto applied = read_and_apply();
        if (!applied || *applied > 0) return applied;
        if (std::chrono::steady_clock::now() > deadline)
            return bus::fail(bus::ErrorCode::unavailable,
                             "the log did not give partition {} up to {} within {} s", partition_,
                             bus::to_token(end), read_wait_max.count());
        more_.wait(seen, read_wait_step);
    }
}

// Those that the log still has something of, before the end that is wanted.
Result<bus::TopicSet> LogFolding::unread_topics() {
    const bus::Position position = target_.position();
    bus::TopicSet left;
    for (std::size_t i = 0; i < bus::partitioned_topics; ++i) {
        if (end_ && position.next[i] >= end_->next[i]) continue;
        left.set(i);
        if (!end_) continue;
        const auto start = setup_.log.start_offset({bus::topic_at(i), partition_});
        if (!start) return start.error();
        if (*start >= end_->next[i]) left.reset(i);
    }
    return left;
}

// What the log has lost before `end` will never come.
Result<std::size_t> LogFolding::skip_to(const bus::Position& end) {
    auto moved = commit(end);
    if (moved) return std::size_t{0};
    forget();
    return moved.error();
}

Result<std::size_t> LogFolding::read_and_apply() {
    failure_ = FoldFailure::log;
    if (!reader_)
        if (auto opened = open_reader(); !opened) return opened.error();
    Result<std::size_t> applied = std::size_t{0};
    do {
        const std::size_t wanted = records_to_read();
        auto records = reader_->poll(wanted, options_.batch_bytes_max);
        full_reads_ = records && records->records.size() == wanted ? full_reads_ + 1 : 0;
        if (!records) {
            applied = records.error();
        } else if (records->empty()) {
            break;
        } else {
            applied = apply(*records);
        }
    } while (applied && *applied == 0);  // all of it lies past the end
    if (applied)
        failure_ = FoldFailure::none;
    else
        forget();
    return applied;
}

Result<Done> LogFolding::open_reader() {
    const bus::Position position = target_.position();
    const auto topics = unread_topics();
    if (!topics) return topics.error();
    bus::ReaderOptions options{
        .partition = partition_, .topics = *topics, .from = {}, .signal = &more_};
    for (std::size_t i = 0; i < bus::partitioned_topics; ++i) {
        options.from[i] = position.next[i];
        if (position.next[i] > 0 || !options.topics[i]) continue;
        // Nothing of this topic is applied yet: begin with what retention has left of it.
        const auto start = setup_.log.start_offset({bus::topic_at(i), partition_});
        if (!start) return start.error();
        options.from[i] = *start;
    }
    auto reader = setup_.log.open_reader(options);
    if (!reader) return reader.error();
    reader_ = *std::move(reader);
    return Done{};
}

std::size_t LogFolding::records_to_read() const {
    const bool is_behind = full_reads_ >= full_reads_of_one_behind;
    return std::max(options_.batch_records_max, is_behind ? options_.behind_records_max : 0);
}

bool LogFolding::is_past_end(const bus::Address& address) const {
    return end_ && address.offset >= end_->next[bus::index(address.topic)];
}

Result<std::size_t> LogFolding::apply(const bus::RecordBatch& records) {
    bus::Position position = target_.position();
    std::size_t applied = 0;
    for (const bus::RecordView& record : records.records) {
        if (is_past_end(record.address)) continue;
        auto folded = check_not_expired(record, setup_.registry);
        if (folded) folded = records_.fold(record);
        if (!folded)
            return bus::fail(folded.error().code, "record {}: {}", to_string(record.address),
                             folded.error().message);
        position.advance(record.address);
        ++applied;
    }
    if (applied == 0) return applied;
    if (auto committed = commit(position); !committed) return committed.error();
    return applied;
}

Result<Done> LogFolding::commit(const bus::Position& position) {
    failure_ = FoldFailure::rows_read;
    const auto writes = records_.finish();
    if (const auto failed = target_.take_failure()) return *failed;
    if (!writes) return writes.error();
    std::vector<projections::store::StoreWrite> changes;
    changes.reserve(writes->size());
    for (const projections::Write& write : *writes)
        changes.push_back({static_cast<std::uint8_t>(write.table), write.key, write.value});
    failure_ = FoldFailure::rows_write;
    const auto start = std::chrono::steady_clock::now();
    if (auto committed = target_.commit(changes, position); !committed) return committed.error();
    commit_took_ = std::chrono::steady_clock::now() - start;
    failure_ = FoldFailure::none;
    return Done{};
}

void LogFolding::forget() {
    records_.forget();
    (void)target_.take_failure();
    reader_.reset();
}

}  // namespace consumers
