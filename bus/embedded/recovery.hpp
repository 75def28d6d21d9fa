// Opens what an earlier process left: checks, cuts a torn last group, never changes a corrupt
// journal.
#pragma once

#include "bus/embedded/group_writer.hpp"
#include "bus/embedded/keeper.hpp"

namespace bus::embedded {

struct Recovered {
    // The newest segment and where it goes on; no value for a directory without segments.
    std::optional<WritePoint> point;
    std::vector<SegmentPtr> to_seal;  // full ones whose footer is missing or damaged
    std::optional<PreparedSegment> prepared;
    std::uint64_t next_id = 1;
};

// Fills `segments`. Errors as Journal::open.
Result<Recovered> recover(const JournalOptions& options, const Slots& slots, SegmentList& segments);

// A prepared file becomes a segment: its header is on disk when this returns.
Result<SegmentPtr> begin_segment(PreparedSegment prepared, const JournalOptions& options,
                                 const WritePoint& point, std::vector<Offset> ends);

}  // namespace bus::embedded
