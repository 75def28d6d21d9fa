#include "tools/migrate/log_copy.hpp"

#include "bus/copied_record.hpp"
#include "bus/crash_point.hpp"
#include "bus/read_wait.hpp"

#include <condition_variable>
#include <mutex>

namespace tools::migrate {

using bus::Done;
using bus::ErrorCode;
using bus::Result;

namespace {

constexpr std::size_t poll_records = 2'048;
constexpr std::size_t poll_bytes = 4u << 20;
constexpr std::size_t copied_between_crash_points = 1'000;
constexpr bus::milliseconds go_on_interval{50};

bus::Error stopped() {
    return bus::fail(ErrorCode::cancelled,
                     "stopped on request; started again it goes on where it ended");
}

bus::NewRecord copy_of(const bus::RecordView& view) {
    bus::NewRecord record = bus::copied_record(view);
    record.at = view.address.offset;
    return record;
}

// How many appends are on their way, and the first that failed. Waits no longer than the run goes
// on; an answer may come later, when this is gone.
class InFlight {
public:
    InFlight(CopyLimits limits, jobs::JobRun& run) : limits_(limits), run_(run) {}

    Result<Done> wait_for_room() {
        return wait_until([&limits = limits_](const State& state) {
            return state.records < limits.records_in_flight_max &&
                   state.bytes < limits.bytes_in_flight_max;
        });
    }
    Result<Done> wait_for_all() {
        return wait_until([](const State& state) { return state.records == 0; });
    }
    bus::AppendDone begin(const bus::Address& expected, std::size_t bytes) {
        {
            std::lock_guard lock(state_->mutex);
            ++state_->records;
            state_->bytes += bytes;
        }
        return [state = state_, expected, bytes](const Result<bus::Appended>& result) {
            std::lock_guard lock(state->mutex);
            --state->records;
            state->bytes -= bytes;
            if (!state->error) state->error = failure_of(result, expected);
            state->changed.notify_all();
        };
    }

private:
    struct State {
        std::mutex mutex;
        std::condition_variable changed;
        std::size_t records = 0, bytes = 0;  // guarded by mutex, as below
        std::optional<bus::Error> error;
    };

    static std::optional<bus::Error> failure_of(const Result<bus::Appended>& result,
                                                const bus::Address& expected) {
        if (!result) return result.error();
        if (result->address == expected) return std::nullopt;
        return bus::fail(ErrorCode::conflict,
                         "{} became {} in the target: somebody else writes to it, or a record was "
                         "lost on its way. Remove the target's topics and begin anew",
                         bus::to_string(expected), bus::to_string(result->address));
    }

    template <class Enough>
    Result<Done> wait_until(Enough enough) {
        std::unique_lock lock(state_->mutex);
        const auto settled = [&] { return state_->error || enough(*state_); };
        while (!state_->changed.wait_for(lock, go_on_interval, settled)) {
            lock.unlock();
            if (!run_.go_on()) return stopped();
            lock.lock();
        }
        if (state_->error) return *state_->error;
        return Done{};
    }

    const CopyLimits limits_;
    jobs::JobRun& run_;
    const std::shared_ptr<State> state_ = std::make_shared<State>();  // the callbacks use it too
};

// Reads topic partitions of one index up to given ends.
class StretchReader {
public:
    StretchReader(bus::Log& log, bus::PartitionId partition, jobs::JobRun& run)
        : log_(log), patience_{.go_on = [&run] { return run.go_on(); }} {
        options_.partition = partition;
        options_.signal = &more_;
    }
    void add(bus::TopicPartition where, bus::Offset from, bus::Offset end) {
        if (from >= end) return;
        options_.topics.set(bus::index(where.topic));
        options_.from[bus::index(where.topic)] = from;
        left_ += end - from;
        end_[bus::index(where.topic)] = end;
    }
    std::uint64_t left() const { return left_; }

    // The next records, none once all were read. Those past the ends are left out.
    Result<bus::RecordBatch> next() {
        if (left_ == 0) return bus::RecordBatch{};
        if (!reader_) {
            auto reader = log_.open_reader(options_);
            if (!reader) return reader.error();
            reader_ = *std::move(reader);
        }
        bus::ReadWait waiting(log_, patience_);
        for (;;) {
            const auto seen = more_.count();
            auto batch = reader_->poll(poll_records, poll_bytes);
            if (!batch) return batch;
            std::erase_if(batch->records, [this](const bus::RecordView& record) {
                return record.address.offset >= end_[bus::index(record.address.topic)];
            });
            if (!batch->empty()) {
                left_ -= batch->records.size();
                return batch;
            }
            if (auto waited = waiting.wait(more_, seen); !waited) return waited.error();
        }
    }

private:
    bus::Log& log_;
    const bus::ReadPatience patience_;
    bus::Signal more_;  // outlives the reader
    bus::ReaderOptions options_;
    std::array<bus::Offset, bus::topic_count> end_{};
    std::uint64_t left_ = 0;
    std::unique_ptr<bus::Reader> reader_;
};

bool same(const bus::RecordView& a, const bus::RecordView& b) {
    const bool same_headers = a.headers.bytes() == b.headers.bytes() ||
                              (a.erased && b.erased &&
                               bus::copied_headers(a.headers, true, a.expired) ==
                                   bus::copied_headers(b.headers, true, b.expired));
    return a.address == b.address && a.key == b.key && same_headers && a.value == b.value &&
           a.tombstone == b.tombstone && a.erased == b.erased;
}

// Of two records that are not the same; `otherwise` where it is not the source that lost a body.
bus::Error difference(const bus::RecordView& ours, const bus::RecordView& theirs,
                      const bus::Error& otherwise) {
    if (ours.key != theirs.key || !ours.erased || theirs.erased) return otherwise;
    return bus::fail(ErrorCode::conflict,
                     "the target holds the body of {}, which has been taken out of the source "
                     "since: that copy cannot be gone on with. On Kafka another --kafka-prefix "
                     "begins anew; a copy in a folder goes to a new one",
                     bus::to_string(ours.address));
}

bus::Error not_same(const bus::Address& address) {
    return bus::fail(ErrorCode::corrupt, "{} is not the same in both logs",
                     bus::to_string(address));
}

bus::RecordView view_of(const bus::OwnedRecord& record) {
    return {.address = record.address,
            .key = record.key,
            .headers = record.headers,
            .value = record.value,
            .tombstone = record.tombstone,
            .erased = record.erased,
            .expired = record.expired};
}

std::string text_of(bus::TopicPartition where) {
    return fmt::format("{}/{}", bus::short_name(where.topic), where.partition);
}

}  // namespace

LogCopy::LogCopy(bus::Log& from, bus::Log& to, CopyLimits limits)
    : from_(from), to_(to), limits_(limits), slots_(from.partitions()), cursors_(slots_.count()) {
    for (std::size_t i = 0; i < bus::topic_count; ++i) {
        for (bus::PartitionId p = 0; p < slots_.partitions(); ++p) {
            const bus::TopicPartition where{bus::topic_at(i), p};
            if (slots_.contains(where)) cursors_[slots_[where]].where = where;
        }
    }
}

Result<Done> LogCopy::begin() {
    if (to_.partitions() != from_.partitions())
        return bus::fail(ErrorCode::conflict, "the target has {} partitions instead of {}",
                         to_.partitions(), from_.partitions());
    rewrites_before_ = from_.rewrites();
    for (Cursor& cursor : cursors_) {
        if (auto begun = begin_one(cursor); !begun) return begun;
    }
    return Done{};
}

Result<Done> LogCopy::begin_one(Cursor& cursor) {
    const auto start = from_.start_offset(cursor.where);
    if (!start) return start.error();
    const auto end = from_.end_offset(cursor.where);
    if (!end) return end.error();
    const auto there_start = to_.start_offset(cursor.where);
    if (!there_start) return there_start.error();
    const auto there = to_.end_offset(cursor.where);
    if (!there) return there.error();
    if (*there > *end)
        return bus::fail(ErrorCode::conflict,
                         "{} of the target holds {} records, the source {}: it is not a copy of "
                         "it. Name another target, or remove its topics",
                         text_of(cursor.where), *there, *end);
    if (*there < *start)
        return bus::fail(ErrorCode::conflict,
                         "{} of the source begins at {}, its older records are gone; the target "
                         "holds {}. Offsets could not stay as they are",
                         text_of(cursor.where), *start, *there);
    cursor.copied = *there;
    cursor.compared = std::max(*start, *there_start);
    for (const bus::Offset offset : {cursor.compared, *there - std::min<bus::Offset>(1, *there)}) {
        if (offset >= *there) continue;
        const bus::Address address{cursor.where.topic, cursor.where.partition, offset};
        if (auto same_one = must_be_same_record(address); !same_one) return same_one;
    }
    return Done{};
}

Result<Done> LogCopy::must_be_same_record(const bus::Address& address) {
    const auto ours = from_.read_at(address);
    if (!ours) return ours.error();
    const auto theirs = to_.read_at(address);
    if (!theirs) return theirs.error();
    if (same(view_of(*ours), view_of(*theirs))) return Done{};
    return difference(
        view_of(*ours), view_of(*theirs),
        bus::fail(ErrorCode::conflict,
                  "{} is another record in the target: it is not a copy of this log. Name "
                  "another target, or remove its topics",
                  bus::to_string(address)));
}

// Several partitions at a time, so that the target gets batches for many topics at once.
Result<Done> LogCopy::copy(jobs::JobRun& run) {
    std::vector<std::unique_ptr<StretchReader>> readers;
    for (bus::PartitionId p = 0; p < slots_.partitions(); ++p)
        readers.push_back(std::make_unique<StretchReader>(from_, p, run));
    for (const Cursor& cursor : cursors_) {
        const auto end = from_.end_offset(cursor.where);
        if (!end) return end.error();
        readers[cursor.where.partition]->add(cursor.where, cursor.copied, *end);
    }
    InFlight in_flight(limits_, run);
    bool more = true;
    while (more) {
        more = false;
        for (const auto& reader : readers) {
            if (reader->left() == 0) continue;
            more = true;
            if (!run.go_on()) return stopped();
            auto batch = reader->next();
            if (!batch) return batch.error();
            for (const bus::RecordView& record : batch->records) {
                Cursor& cursor = cursors_[slots_[{record.address.topic, record.address.partition}]];
                if (record.address.offset != cursor.copied)
                    return bus::fail(
                        ErrorCode::conflict,
                        "{} is missing in the source: its offsets have gaps, which "
                        "another log cannot repeat",
                        bus::to_string(bus::Address{cursor.where.topic, cursor.where.partition,
                                                    cursor.copied}));
                if (auto room = in_flight.wait_for_room(); !room) return room;
                to_.append(copy_of(record),
                           in_flight.begin(record.address,
                                           record.value.size() + record.headers.bytes().size()));
                ++cursor.copied;
                if (++copied_ % copied_between_crash_points == 0)
                    bus::crash_point("migrate.thousand_copied");
            }
            run.advance(batch->records.size());
        }
    }
    return in_flight.wait_for_all();
}

Result<Done> LogCopy::compare(jobs::JobRun& run) {
    for (Cursor& cursor : cursors_) {
        if (auto compared = compare_one(cursor, run); !compared) return compared;
    }
    return Done{};
}

Result<Done> LogCopy::compare_one(Cursor& cursor, jobs::JobRun& run) {
    StretchReader ours(from_, cursor.where.partition, run);
    StretchReader theirs(to_, cursor.where.partition, run);
    ours.add(cursor.where, cursor.compared, cursor.copied);
    theirs.add(cursor.where, cursor.compared, cursor.copied);
    bus::RecordBatch other;
    std::size_t at = 0;  // in other
    while (ours.left() > 0) {
        if (!run.go_on()) return stopped();
        const auto batch = ours.next();
        if (!batch) return batch.error();
        for (const bus::RecordView& record : batch->records) {
            if (at == other.records.size()) {
                auto more = theirs.next();
                if (!more) return more.error();
                other = *std::move(more);
                at = 0;
            }
            if (other.empty()) return not_same(record.address);
            const bus::RecordView& theirs_one = other.records[at++];
            if (!same(record, theirs_one))
                return difference(record, theirs_one, not_same(record.address));
        }
        cursor.compared += batch->records.size();
        compared_count_ += batch->records.size();
        run.advance(batch->records.size());
    }
    return Done{};
}

Result<std::uint64_t> LogCopy::behind() {
    std::uint64_t records = 0;
    for (const Cursor& cursor : cursors_) {
        const auto end = from_.end_offset(cursor.where);
        if (!end) return end.error();
        records += *end - std::min(*end, cursor.copied);
    }
    return records;
}

Result<Done> LogCopy::check_same_ends() {
    if (from_.rewrites() != rewrites_before_)
        return bus::fail(ErrorCode::conflict,
                         "bodies were taken out of the source while it was copied; start the "
                         "migration again, which compares all of it");
    for (const Cursor& cursor : cursors_) {
        const auto ours = from_.end_offset(cursor.where);
        if (!ours) return ours.error();
        const auto theirs = to_.end_offset(cursor.where);
        if (!theirs) return theirs.error();
        if (*ours != *theirs || cursor.compared != *ours)
            return bus::fail(ErrorCode::corrupt, "{} ends at {} here, at {} there, compared to {}",
                             text_of(cursor.where), *ours, *theirs, cursor.compared);
    }
    return Done{};
}

}  // namespace tools::migrate
