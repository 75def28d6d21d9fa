// A log that gives back what it could not take, so that somebody else may keep it meanwhile.
#pragma once

#include "bus/log.hpp"

namespace bus {

class ReturningLog : public Log {
public:
    // Takes over record and answer. Called where the refusal was noticed: inside
    // append_or_give_back(), or on a thread of the log; must not block.
    using GiveBack = std::function<void(NewRecord, AppendDone)>;

    virtual void set_give_back(GiveBack give_back) = 0;  // before the first append_or_give_back()
    // As append(), but what would be answered `unavailable` is given back unanswered. Copies of it
    // that came meanwhile are refused.
    virtual void append_or_give_back(NewRecord record, AppendDone done) = 0;
};

}  // namespace bus
