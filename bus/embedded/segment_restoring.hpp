// Takes places and keys of a sealed segment from its frames again, when its footer was found
// damaged. A little at a time. Threads: one.
#pragma once

#include "bus/embedded/segment_list.hpp"

namespace bus::embedded {

class SegmentRestoring {
public:
    // The list outlives this.
    SegmentRestoring(SegmentList& segments, SegmentPtr segment,
                     std::shared_ptr<const SegmentFooter> damaged);

    // Reads some MiB on. True once the list has all of it: the segment then waits to be sealed.
    // corrupt when the frames are damaged too.
    Result<bool> step();
    const SegmentPtr& segment() const { return segment_; }

private:
    SegmentList& segments_;
    const SegmentPtr segment_;
    const std::shared_ptr<const SegmentFooter> damaged_;
    const Slots slots_;
    ScannedSegment scanned_;
    FrameScan scan_;
};

}  // namespace bus::embedded
