// Time and randomness as ports, so that a test injects both. Folds get neither.
#pragma once

#include "bus/ids.hpp"

namespace bus {

class Clock {
public:
    virtual ~Clock() = default;
    virtual Timestamp now() = 0;  // any thread
};

// The machine's clock. One instance serves the process.
Clock& system_clock();

// New ids for records and objects. Any thread.
class IdSource {
public:
    virtual ~IdSource() = default;
    virtual EventId next_event_id(Timestamp now) = 0;  // rises within one thread and millisecond
    virtual std::uint64_t next_id64() = 0;             // random, never 0
};
IdSource& random_ids();  // from the operating system's generator

}  // namespace bus
