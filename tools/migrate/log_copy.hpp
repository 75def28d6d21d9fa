// Copies one log into another: every record of every topic at the offset that it has.
//
// What stands in the target already is taken for ours only when its last records are; what was
// copied is compared record by record. So a copy that was cut off goes on where it ended. The
// source may grow meanwhile, yet not lose bodies: a target that still holds one is refused
// (conflict), now and whenever it is compared again. Threads: one.
#pragma once

#include "bus/log.hpp"
#include "bus/slots.hpp"
#include "tools/jobs/job_run.hpp"

namespace tools::migrate {

struct CopyLimits {
    std::size_t records_in_flight_max = 20'000;
    std::size_t bytes_in_flight_max = 24u << 20;
};

class LogCopy {
public:
    LogCopy(bus::Log& from, bus::Log& to, CopyLimits limits = {});

    // Where the target goes on. conflict: it holds what the source does not, or the source no
    // longer holds what the target lacks; both are named.
    bus::Result<bus::Done> begin();

    // Copies up to where the source ends now. After an error the target may lack any of the last
    // records, yet holds no other in their place; it may still answer, so it is to be closed before
    // another copy is begun. conflict: somebody else writes to the target.
    bus::Result<bus::Done> copy(jobs::JobRun& run);
    // Compares what was copied since the last call, the first time all that the target holds.
    // corrupt: names the record that differs; conflict: names the body that the source has lost.
    bus::Result<bus::Done> compare(jobs::JobRun& run);

    bus::Result<std::uint64_t> behind();  // records that the source has and we have not
    // Once the source takes no more. corrupt: names the topic partition; conflict: bodies were
    // taken out of the source since begin(), so what was compared no longer tells.
    bus::Result<bus::Done> check_same_ends();
    std::uint64_t copied() const { return copied_; }
    std::uint64_t compared() const { return compared_count_; }

private:
    struct Cursor {
        bus::TopicPartition where;
        bus::Offset copied = 0, compared = 0;  // next offsets
    };

    bus::Result<bus::Done> begin_one(Cursor& cursor);
    bus::Result<bus::Done> must_be_same_record(const bus::Address& address);
    bus::Result<bus::Done> compare_one(Cursor& cursor, jobs::JobRun& run);

    bus::Log& from_;
    bus::Log& to_;
    const CopyLimits limits_;
    const bus::Slots slots_;
    std::vector<Cursor> cursors_;        // by slot
    std::uint64_t rewrites_before_ = 0;  // of the source
    std::uint64_t copied_ = 0, compared_count_ = 0;
};

}  // namespace tools::migrate
