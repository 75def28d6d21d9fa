// Topic partitions that cannot go on with all the others: the log refused a record of theirs, or
// the spool cannot read them.
//
// Each goes apart, one record at a time, since what refuses one refuses all that are on their way
// with it. One that does not get on even so rests, each time twice as long, and holds up no other.
// It comes back to the others when nothing of it waits, or when it has come past all that could
// have been on their way.
#pragma once

#include "bus/result.hpp"
#include "bus/topic.hpp"

#include <map>
#include <mutex>
#include <string>

namespace bus::spool {

struct RestOptions {
    milliseconds pause_min{1'000}, pause_max{30'000};
    std::size_t records_apart = 4'096;  // at least as many as are on their way at a time
};

class Rests {
public:
    explicit Rests(const RestOptions& options) : options_(options) {}

    // By one thread, as all but told().
    void go_apart(TopicPartition where);
    bool is_apart(TopicPartition where) const { return apart_.contains(where); }
    bool is_due(TopicPartition where) const;
    void refused(TopicPartition where, const Error& error);
    void stored(TopicPartition where, bool more_waits);  // one record, apart or not

    // Which rest and why, for the operator: "; tributary.chat[3] rests: ..."; any thread.
    std::string told() const;

private:
    using Steady = std::chrono::steady_clock;
    struct Rest {
        std::size_t records_left = 0;
        milliseconds pause{0};  // 0 = it does not rest
        Steady::time_point until{};
        std::string reason;
    };
    void wake(TopicPartition where, Rest& rest);
    std::size_t resting() const;

    const RestOptions options_;
    mutable std::mutex mutex_;              // for who writes, and for told()
    std::map<TopicPartition, Rest> apart_;  // guarded where written
};

}  // namespace bus::spool
