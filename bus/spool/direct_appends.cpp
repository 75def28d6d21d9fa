#include "bus/spool/direct_appends.hpp"

namespace bus::spool {

namespace {

// Of all lanes, as a journal's. What the log gives back had room there before.
constexpr std::uint64_t newcomers_bytes_max = 64u << 20;

}  // namespace

struct DirectAppends::Answer {
    DirectAppends* appends;
    Lane* lane;
    std::uint64_t number;
    AppendDone done;

    // Who is answered may end all of this, so that comes last.
    void operator()(Result<Appended> appended) const {
        appends->settled(*lane, number);
        done(std::move(appended));
    }
};

DirectAppends::DirectAppends(Spool& spool)
    : spool_(spool), slots_(spool.partitions()), lanes_(slots_.count()) {}

DirectAppends::Lane& DirectAppends::lane_of(const NewRecord& record) {
    return lanes_[slots_[{record.topic, record.partition}]];
}

// What waits is in the spool before the lane says that nothing waits: one of the two tells.
DirectAppends::Way DirectAppends::begin(NewRecord& record, AppendDone& done) {
    Lane& lane = lane_of(record);
    Lock lock(lane.mutex);
    const auto now = Steady::now();
    if (is_silent(lane, now)) lane.waits = true;  // until the last that is under way leaves
    if (lane.waits) {
        wait_behind(lane, std::move(lock), record, done);
        return Way::kept;
    }
    if (spool_.holds({record.topic, record.partition})) {
        lock.unlock();
        keep(std::move(record), std::move(done));
        return Way::kept;
    }
    lane.under_way.emplace_hint(lane.under_way.end(), lane.next, now);
    done = Answer{this, &lane, lane.next++, std::move(done)};
    return Way::straight;
}

bool DirectAppends::is_silent(const Lane& lane, Steady::time_point now) const {
    return !lane.under_way.empty() &&
           now - lane.under_way.begin()->second >= spool_.options().silence_max;
}

void DirectAppends::wait_behind(Lane& lane, Lock lock, NewRecord& record, AppendDone& done) {
    const std::uint64_t bytes = bytes_of(record);
    if (newcomers_bytes_ + bytes <= newcomers_bytes_max) {
        newcomers_bytes_ += bytes;
        lane.waiting.emplace(lane.next++, Waiting{std::move(record), std::move(done), bytes});
        return;
    }
    lock.unlock();
    done(fail(ErrorCode::unavailable, "{} MiB wait for what the log has not answered yet",
              newcomers_bytes_max >> 20));
}

void DirectAppends::given_back(NewRecord record, AppendDone done) {
    Answer* const answer = done.target<Answer>();
    BUS_ASSERT(answer != nullptr, "a record is given back with the answer that it was given");
    Lane& lane = *answer->lane;
    Lock lock(lane.mutex);
    lane.waiting.emplace(answer->number, Waiting{std::move(record), std::move(answer->done)});
    lane.waits = true;
    leave(lane, lock, answer->number);
}

void DirectAppends::settled(Lane& lane, std::uint64_t number) {
    Lock lock(lane.mutex);
    leave(lane, lock, number);
}

void DirectAppends::leave(Lane& lane, Lock& lock, std::uint64_t number) {
    lane.under_way.erase(number);
    if (lane.under_way.empty() && lane.waits) keep_waiting(lane, lock);
}

void DirectAppends::keep_waiting(Lane& lane, Lock& lock) {
    if (lane.is_keeping) return;
    lane.is_keeping = true;
    while (!lane.waiting.empty()) {
        Waiting first = std::move(lane.waiting.extract(lane.waiting.begin()).mapped());
        newcomers_bytes_ -= first.counted_bytes;
        lock.unlock();  // it may be refused at once, and its sender come again
        keep(std::move(first.record), std::move(first.done));
        lock.lock();
    }
    lane.is_keeping = false;
    lane.waits = false;
}

void DirectAppends::end() {
    for (Lane& lane : lanes_) {
        Lock lock(lane.mutex);
        keep_waiting(lane, lock);
    }
}

void DirectAppends::keep(NewRecord record, AppendDone done) {
    spool_.append(std::move(record), std::move(done));
}

}  // namespace bus::spool
