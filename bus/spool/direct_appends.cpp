#include "bus/spool/direct_appends.hpp"

#include "bus/spool/spool_probe.hpp"

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
        appends->settled(*lane);
        done(std::move(appended));
    }
};

DirectAppends::DirectAppends(Spool& spool)
    : spool_(spool), slots_(spool.partitions()), lanes_(slots_.count()) {}

DirectAppends::Lane& DirectAppends::lane_of(const NewRecord& record) {
    return lanes_[slots_[{record.topic, record.partition}]];
}

// What waits goes to the spool before the lane says that nothing waits: so the spool is asked
// first.
DirectAppends::Way DirectAppends::begin(NewRecord& record, AppendDone& done) {
    const TopicPartition where{record.topic, record.partition};
    Lane& lane = lane_of(record);
    for (;;) {
        const bool holds = spool_.holds(where);
        if (lane.waits) {
            if (waits_behind(lane, record, done)) return Way::kept;
        } else if (holds) {
            keep(std::move(record), std::move(done));
            return Way::kept;
        } else if (goes_straight(lane, where)) {
            done = Answer{this, &lane, lane.next++, std::move(done)};
            return Way::straight;
        }
    }
}

// Counted first and looked at again: whoever keeps what waits sees the count, or is seen here.
bool DirectAppends::goes_straight(Lane& lane, TopicPartition where) {
    if (lane.under_way == 0) lane.heard_at = Steady::now();
    lane.under_way += 1;
    if (is_silent(lane)) lane.waits = true;  // until the last that is counted leaves
    if (!lane.waits && !spool_.holds(where)) return true;
    leave(lane);
    return false;
}

bool DirectAppends::is_silent(const Lane& lane) const {
    return lane.under_way > 1 &&
           Steady::now() - lane.heard_at.load() >= spool_.options().silence_max;
}

bool DirectAppends::waits_behind(Lane& lane, NewRecord& record, AppendDone& done) {
    const std::uint64_t bytes = bytes_of(record);
    {
        const std::lock_guard lock(lane.mutex);
        if (!lane.waits) return false;
        if (newcomers_bytes_ + bytes <= newcomers_bytes_max) {
            newcomers_bytes_ += bytes;
            lane.waiting.emplace(lane.next++, Waiting{std::move(record), std::move(done), bytes});
            return true;
        }
    }
    done(fail(ErrorCode::unavailable, "{} MiB wait for what the log has not answered yet",
              newcomers_bytes_max >> 20));
    return true;
}

void DirectAppends::given_back(NewRecord record, AppendDone done) {
    Answer* const answer = done.target<Answer>();
    BUS_ASSERT(answer != nullptr, "a record is given back with the answer that it was given");
    Lane& lane = *answer->lane;
    {
        const std::lock_guard lock(lane.mutex);
        lane.waiting.emplace(answer->number, Waiting{std::move(record), std::move(answer->done)});
        lane.waits = true;
    }
    settled(lane);
}

void DirectAppends::settled(Lane& lane) {
    lane.heard_at = Steady::now();
    leave(lane);
}

void DirectAppends::leave(Lane& lane) {
    if (lane.under_way.fetch_sub(1) != 1 || !lane.waits) return;
    std::unique_lock lock(lane.mutex);
    if (lane.under_way == 0) keep_waiting(lane, lock);
}

void DirectAppends::keep_waiting(Lane& lane, std::unique_lock<std::mutex>& lock) {
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
        std::unique_lock lock(lane.mutex);
        keep_waiting(lane, lock);
    }
}

void DirectAppends::keep(NewRecord record, AppendDone done) {
    SpoolProbe::kept();
    spool_.append(std::move(record), std::move(done));
}

}  // namespace bus::spool
