// A log that gives back what it could not take, so that somebody else may keep it meanwhile.
#pragma once

#include "bus/log.hpp"

namespace bus {

// Appends the records of one caller in the order of its calls, many on their way at a time. Once
// one is refused, none that came after it is stored in its topic partition, and all are refused:
// `cancelled` where it was for the sake of another. Records wait for a log that is away. One
// thread; answers come on others.
class OrderedAppends {
public:
    virtual ~OrderedAppends() = default;  // refuses what is on its way
    virtual void append(NewRecord record, AppendDone done) = 0;
};

class ReturningLog : public Log {
public:
    // Takes over record and answer, both as they were given. Called where the refusal was noticed:
    // inside append_or_give_back(), or on a thread of the log; must not block.
    using GiveBack = std::function<void(NewRecord, AppendDone)>;

    virtual void set_give_back(GiveBack give_back) = 0;  // before the first append_or_give_back()
    // As append(), but what would be answered `unavailable` is given back unanswered. Copies of it
    // that came meanwhile are refused.
    virtual void append_or_give_back(NewRecord record, AppendDone done) = 0;
    // The log outlives it. unavailable: the log is away.
    virtual Result<std::unique_ptr<OrderedAppends>> ordered_appends() = 0;
};

}  // namespace bus
