#include "bus/spool/forwarding.hpp"

#include "bus/copied_record.hpp"
#include "bus/crash_point.hpp"
#include "bus/spool/spool_probe.hpp"

#include <condition_variable>
#include <mutex>

namespace bus::spool {

namespace {

// Of all topic partitions. Beyond it each may have its share of the same under way, at least one
// record: those that are not answered do not hold up others.
constexpr std::size_t records_under_way_max = 4'096;
constexpr std::size_t bytes_under_way_max = 16u << 20;
constexpr std::size_t batch_records = 256;
constexpr std::size_t batch_bytes = 1u << 20;
constexpr milliseconds answer_wait_max{100};
constexpr milliseconds marks_every{250};  // what is forwarded twice after a crash

}  // namespace

struct Forwarding::Answer {
    TopicPartition where;
    std::uint64_t number = 0;  // of its lane
    std::size_t bytes = 0;
    bool apart = false;  // nothing of its topic partition was sent with it
    std::optional<Error> error;
};

// Of appends that are under way; they come on other threads, maybe when this attempt has ended.
class Forwarding::Answers : public std::enable_shared_from_this<Answers> {
public:
    AppendDone answer_to(const Answer& sent) {
        return [self = shared_from_this(), sent](const Result<Appended>& appended) {
            const std::lock_guard lock(self->mutex_);
            self->came_.push_back(sent);
            if (!appended) self->came_.back().error = appended.error();
            self->some_came_.notify_one();
        };
    }
    std::vector<Answer> wait(milliseconds wait_max) {
        std::unique_lock lock(mutex_);
        some_came_.wait_for(lock, wait_max, [this] { return !came_.empty(); });
        return std::exchange(came_, {});
    }

private:
    std::mutex mutex_;
    std::condition_variable some_came_;
    std::vector<Answer> came_;
};

Forwarding::Forwarding(ReturningLog& target, Spool& spool, Rests& rests, Failed failed)
    : target_(target),
      spool_(spool),
      rests_(rests),
      slots_(spool.partitions()),
      lanes_(partitioned_topics * spool.partitions()),
      failed_(std::move(failed)),
      answers_(std::make_shared<Answers>()) {
    for (std::size_t i = 0; i < partitioned_topics; ++i) {
        for (PartitionId partition = 0; partition < spool.partitions(); ++partition) {
            const TopicPartition where{topic_at(i), partition};
            lanes_[slots_[where]].where = where;
        }
    }
}

Forwarding::~Forwarding() = default;

std::uint64_t Forwarding::run(const std::atomic<bool>& stopping) {
    while (!ended_ && !stopping) {
        const bool sent = send_some();
        if (under_way_ == 0 && !sent) break;
        take_answers(sent && !is_full() ? milliseconds{0} : answer_wait_max);
    }
    give_up();
    save_marks();
    return forwarded_;
}

bool Forwarding::is_full() const {
    return under_way_ >= records_under_way_max || bytes_under_way_ >= bytes_under_way_max;
}

// What may be sent at a time.
Forwarding::Room Forwarding::room(const Lane& lane) const {
    if (!is_full()) return {batch_records, batch_bytes};
    const std::size_t records = std::max<std::size_t>(1, records_under_way_max / lanes_.size());
    const std::size_t bytes = std::max<std::size_t>(1, bytes_under_way_max / lanes_.size());
    if (lane.under_way >= records || lane.bytes_under_way >= bytes) return {};
    return {records - lane.under_way, bytes - lane.bytes_under_way};
}

// In turns.
bool Forwarding::send_some() {
    bool sent = false;
    for (std::size_t i = 0; i < lanes_.size() && !ended_; ++i) {
        if (send_some(lanes_[turn_])) sent = true;
        turn_ = (turn_ + 1) % lanes_.size();
    }
    return sent;
}

bool Forwarding::send_some(Lane& lane) {
    if (!spool_.holds(lane.where)) return false;
    return rests_.is_apart(lane.where) ? send_one_apart(lane) : send_among_others(lane);
}

bool Forwarding::send_one_apart(Lane& lane) {
    if (!lane.stored.empty() || !rests_.is_due(lane.where)) return false;
    spool_.rewind(lane.where);
    const RecordBatch batch = next(lane, {1, batch_bytes});
    for (const RecordView& record : batch.records) send(lane, record, true);
    return !batch.empty();
}

bool Forwarding::send_among_others(Lane& lane) {
    if (!open_appends()) return false;
    const Room room_now = room(lane);
    if (room_now.records == 0) return false;
    const RecordBatch batch = next(lane, room_now);
    for (const RecordView& record : batch.records) send(lane, record, false);
    return !batch.empty();
}

bool Forwarding::open_appends() {
    if (appends_) return true;
    auto opened = target_.ordered_appends();
    if (!opened) {
        end(opened.error());
        return false;
    }
    appends_ = *std::move(opened);
    return true;
}

// None, too, where they cannot be read.
RecordBatch Forwarding::next(Lane& lane, const Room& room) {
    auto batch = spool_.next(lane.where, room.records, room.bytes);
    if (batch) return *std::move(batch);
    rests_.refused(lane.where, batch.error());
    return {};
}

void Forwarding::send(Lane& lane, const RecordView& view, bool apart) {
    NewRecord record = copied_record(view);
    const std::size_t bytes = record.value.size() + record.headers.bytes().size();
    lane.stored.push_back(false);
    ++lane.under_way, ++under_way_;
    lane.bytes_under_way += bytes, bytes_under_way_ += bytes;
    AppendDone done = answers_->answer_to({lane.where, lane.sent++, bytes, apart, std::nullopt});
    if (apart)
        target_.append(std::move(record), std::move(done));
    else
        appends_->append(std::move(record), std::move(done));
}

void Forwarding::take_answers(milliseconds wait_max) {
    for (const Answer& answer : answers_->wait(wait_max)) take(answer);
    if (Steady::now() >= marks_due_) save_marks();
}

void Forwarding::take(const Answer& answer) {
    Lane& lane = lanes_[slots_[answer.where]];
    --lane.under_way, --under_way_;
    lane.bytes_under_way -= answer.bytes, bytes_under_way_ -= answer.bytes;
    if (answer.error) return refused(lane, answer);
    const std::uint64_t first = lane.sent - lane.stored.size();
    lane.stored[static_cast<std::size_t>(answer.number - first)] = true;
    tell_spool(lane);
}

void Forwarding::refused(Lane& lane, const Answer& answer) {
    if (answer.apart) {
        lane.stored.clear();
        return rests_.refused(lane.where, *answer.error);
    }
    if (answer.error->code != ErrorCode::cancelled) rests_.go_apart(lane.where);
    end(*answer.error);
}

// The spool counts from the beginning: it is told of a record once all before it are stored too.
void Forwarding::tell_spool(Lane& lane) {
    for (; !lane.stored.empty() && lane.stored.front(); lane.stored.pop_front()) {
        spool_.forwarded(lane.where);
        rests_.stored(lane.where, spool_.holds(lane.where));
        ++forwarded_;
        crash_point("spool.some_forwarded");
    }
}

// The first reason is told.
void Forwarding::end(const Error& error) {
    if (!ended_) failed_(error);
    ended_ = true;
}

void Forwarding::give_up() {
    appends_.reset();
    const milliseconds wait_max = spool_.options().answers_wait_max;
    const auto deadline = Steady::now() + wait_max;
    while (under_way_ > 0 && Steady::now() < deadline) take_answers(answer_wait_max);
    if (under_way_ > 0)
        end(fail(ErrorCode::unavailable, "{} records were not answered within {} ms", under_way_,
                 wait_max.count()));
    for (const Lane& lane : lanes_) spool_.rewind(lane.where);
}

void Forwarding::save_marks() {
    if (auto saved = spool_.save_marks(); !saved) failed_(saved.error());
    if (auto kept = spool_.keep_house(); !kept) failed_(kept.error());
    SpoolProbe::holds(spool_.records(), spool_.bytes());
    marks_due_ = Steady::now() + marks_every;
}

}  // namespace bus::spool
