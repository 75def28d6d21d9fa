// Appends that go straight to the log, and those that come while the log gives them back.
//
// Once one of a topic partition is given back, it and what comes later wait until none that was
// sent before is on its way any more; then all of it is kept in the order in which it came. So
// nothing is kept, and forwarded, while what came before it may still be stored, or given back; yet
// what was sent behind it before it was given back may be stored, and so stand in front of it.
// The same once the log has left one of a topic partition unanswered for `silence_max`, whatever
// else it has answered: so the last that was sent is given back, and all are answered, within that
// and the log's message timeout. How much waits is bounded, except for what the log gives back:
// more is refused.
#pragma once

#include "bus/log.hpp"
#include "bus/spool/spool.hpp"

#include <map>

namespace bus::spool {

// Threads: any. Outlives the log that answers.
class DirectAppends {
public:
    explicit DirectAppends(Spool& spool);

    enum class Way { straight, kept };
    // Where the record is to go: straight, with an answer that is told here first, or it was kept
    // (or refused) and answered by itself.
    Way begin(NewRecord& record, AppendDone& done);
    // What the log gives back, with the answer that it was given.
    void given_back(NewRecord record, AppendDone done);
    // The log answers no more: keeps what waits.
    void end();

private:
    using Steady = std::chrono::steady_clock;
    using Lock = std::unique_lock<std::mutex>;

    struct Waiting {
        NewRecord record;
        AppendDone done;
        std::uint64_t counted_bytes = 0;  // of a newcomer
    };
    struct Lane {
        std::mutex mutex;        // guards all below; nobody is called or answered under it
        std::uint64_t next = 0;  // numbers tell what came first
        std::map<std::uint64_t, Steady::time_point> under_way;  // when it was sent
        std::map<std::uint64_t, Waiting> waiting;
        bool waits = false;  // one was given back, or is not answered
        bool is_keeping = false;
    };
    struct Answer;  // what done becomes on its way

    Lane& lane_of(const NewRecord& record);
    bool is_silent(const Lane& lane, Steady::time_point now) const;
    void wait_behind(Lane& lane, Lock lock, NewRecord& record, AppendDone& done);
    void settled(Lane& lane, std::uint64_t number);
    void leave(Lane& lane, Lock& lock, std::uint64_t number);
    void keep_waiting(Lane& lane, Lock& lock);
    void keep(NewRecord record, AppendDone done);

    Spool& spool_;
    const Slots slots_;
    std::vector<Lane> lanes_;  // by slot
    std::atomic<std::uint64_t> newcomers_bytes_{0};
};

}  // namespace bus::spool
