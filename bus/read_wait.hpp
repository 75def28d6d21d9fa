// How a reader waits for records that its log is known to hold: not for ever, since a log that has
// gone away may give nothing and say nothing.
#pragma once

#include "bus/log.hpp"

namespace bus {

struct ReadPatience {
    milliseconds silence_max{30'000};
    std::function<bool()> go_on = [] { return true; };  // asked while nothing comes; may block
};

class ReadWait {
public:
    ReadWait(const Log& log, ReadPatience patience);  // the log outlives this

    void came();  // a record
    // Until `more` has counted past `seen`, or a moment. unavailable: no record came for
    // `silence_max`; cancelled: it is not to go on.
    Result<Done> wait(const Signal& more, std::uint64_t seen);

private:
    using Steady = std::chrono::steady_clock;

    const Log& log_;
    const ReadPatience patience_;
    Steady::duration silent_{0};  // without what go_on() took
    Steady::time_point counted_ = Steady::now();
};

// read_to_end() of log.hpp, which is as patient as ReadPatience says by itself.
Result<Done> read_to_end(Log& log, Topic topic, Offset from,
                         const std::function<Result<Done>(const RecordView&)>& visit,
                         const ReadPatience& patience);

}  // namespace bus
