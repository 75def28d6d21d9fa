// Segments whose keys are looked up together. A filter over 8, 64 or 512 of them tells of nearly
// every key that none has seen it: an append asks about twenty filters, however many segments the
// dedup windows span.
//
// A group holds nothing that the footers do not. It is made in memory from the keys of segments
// that are sealed, which never change, whatever becomes of their bodies.
#pragma once

#include "bus/clock.hpp"
#include "bus/embedded/segment_restoring.hpp"

#include <set>

namespace bus::embedded {

// Of the segments with ids from `first` up to before `end`.
struct SegmentGroup {
    std::uint64_t first = 0;
    std::uint64_t end = 0;
    DedupFilter filter;
};

// Sources that one filter speaks for, or one that stands for itself.
struct GroupedSources {
    SegmentGroupPtr group;  // null: a single source
    std::vector<DedupSource> sources;

    bool may_have(const DedupKey& key) const { return !group || group->filter.may_have(key); }
    void prefetch(const DedupKey& key) const;  // for may_have(), and a single source's find()
};
// In the order of `sources`, newest first.
std::vector<GroupedSources> grouped(const std::vector<DedupSource>& sources,
                                    const std::vector<SegmentGroupPtr>& groups);

// Makes the groups, a little at a time. Threads: one.
class SegmentGrouping {
public:
    SegmentGrouping(SegmentList& segments, Clock& clock) : segments_(segments), clock_(clock) {}
    // Reads the keys of one more segment, or some MiB of one whose table of keys is damaged: that
    // one is sealed again from its frames, and stays out of the groups when these are damaged too.
    // False when there is nothing to do until another segment is sealed.
    bool step();

private:
    struct Building {
        std::shared_ptr<SegmentGroup> group;
        std::vector<DedupSource> sources;
        std::size_t read = 0;  // of the sources
    };
    bool begin();
    void finish();
    void set_aside(DedupSource unreadable, const Error& error);
    void go_on_restoring();

    SegmentList& segments_;
    Clock& clock_;
    std::optional<Building> building_;
    std::optional<SegmentRestoring> restoring_;
    std::set<std::uint64_t> restored_;  // ids: each once
    std::set<std::uint64_t> apart_;     // ids of those that no group is to have
};

}  // namespace bus::embedded
