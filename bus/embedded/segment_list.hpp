// The segments of an open journal, oldest first, and where every visible record stands in them.
#pragma once

#include "bus/embedded/segment_footer.hpp"
#include "bus/embedded/segment_reader.hpp"

#include <atomic>
#include <functional>

namespace bus::embedded {

struct SegmentGroup;  // segment_groups.hpp
using SegmentGroupPtr = std::shared_ptr<const SegmentGroup>;

// One segment file. Immutable but for what SegmentList guards.
class Segment {
public:
    Segment(std::unique_ptr<File> file, SegmentStart start, std::filesystem::path path)
        : file_(std::move(file)),
          start_(std::move(start)),
          path_(std::move(path)),
          places_(std::make_shared<PlacesBySlot>(start_.ends.size())),
          dedup_(std::make_shared<DedupTable>()) {}

    std::uint64_t id() const { return start_.header.segment; }
    const SegmentHeader& header() const { return start_.header; }
    const SegmentStart& begin() const { return start_; }
    Offset start(std::size_t slot) const { return start_.ends[slot]; }
    File& file() const { return *file_; }
    const std::filesystem::path& path() const { return path_; }

private:
    friend class SegmentList;
    std::unique_ptr<File> file_;
    SegmentStart start_;
    std::filesystem::path path_;

    // Guarded by the list's mutex. Until it is sealed: places_ and dedup_; afterwards: footer_.
    std::shared_ptr<PlacesBySlot> places_;  // shared with who seals it; replaced, not emptied
    std::shared_ptr<DedupTable> dedup_;     // shared with the committer, which fills it
    std::shared_ptr<const SegmentFooter> footer_;  // shared with those who are reading it
    std::uint64_t next_sequence_ = 0;              // after its last frame
    Chain chain_{};
};

// Segments stay alive while a reader holds them, even after retention has dropped them.
using SegmentPtr = std::shared_ptr<Segment>;

struct VisibleRecord {
    std::size_t slot = 0;
    Place place;
};

// Consecutive records of a slot within one segment.
struct Run {
    SegmentPtr segment;
    Offset first = 0;
    std::vector<Place> places;
};

// What a scan found in a segment's frames.
struct ScannedSegment {
    PlacesBySlot places;
    std::shared_ptr<DedupTable> dedup;
};
void remember(ScannedSegment& into, const Slots& slots, const CheckedFrame& frame);

// Where the keys of one segment are: in exactly one of the two.
struct DedupSource {
    SegmentPtr segment;
    std::shared_ptr<DedupTable> table;
    std::shared_ptr<const SegmentFooter> footer;
};

// Threads: any.
class SegmentList {
public:
    explicit SegmentList(Slots slots) : slots_(slots), ends_(slots.count()) {}

    // Becomes the newest: ends go on from its start, and the one before takes no more records. Its
    // footer will say what the header of this one says of it.
    void add(SegmentPtr segment);
    // What a scan found in the newest one becomes visible.
    void adopt(const SegmentPtr& segment, ScannedSegment scanned);
    // Makes records of the newest segment visible, in order.
    void publish(const std::vector<VisibleRecord>& records);

    SegmentPtr newest() const;
    std::size_t records_in(const SegmentPtr& unsealed) const;
    Offset start(std::size_t slot) const;
    Offset end(std::size_t slot) const;
    std::vector<Offset> ends() const;

    // Up to `count` records from `first`, fewer at the end of a segment; empty at the end of the
    // log. gone before the first record kept; corrupt.
    Result<Run> locate(std::size_t slot, Offset first, std::size_t count);

    // Writes the footer of a closed segment and reads it back. Returns false for one that holds no
    // record: it left the list, and its file may go.
    Result<bool> seal(const SegmentPtr& segment);
    void set_sealed(const SegmentPtr& segment, std::shared_ptr<const SegmentFooter> footer);
    // The same records in another file; readers that hold the old one go on with it.
    void replace(const SegmentPtr& before, const SegmentPtr& now,
                 std::shared_ptr<const SegmentFooter> footer);
    // Who seals segments that were restored; before the first look-up. It outlives those.
    void set_sealer(std::function<void(SegmentPtr)> sealer) { sealer_ = std::move(sealer); }
    // After a footer was found damaged: takes places and keys from the frames again. corrupt.
    Result<Done> restore(const SegmentPtr& segment);
    // What the frames told instead of a footer, and it is to be sealed again; nothing when that is
    // not the segment's any more.
    void unseal(const SegmentPtr& segment, const std::shared_ptr<const SegmentFooter>& damaged,
                ScannedSegment scanned);

    std::vector<DedupSource> dedup_sources() const;  // newest first
    // Filters over several sealed segments, for those who look up keys; in no order, none overlap.
    void set_groups(std::vector<SegmentGroupPtr> groups);
    std::vector<SegmentGroupPtr> groups() const;
    std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
    // All of it at one moment: what stands behind the newest is not visible.
    struct Moment {
        std::vector<SegmentPtr> segments;
        std::vector<std::uint64_t> next_sequences;  // 0 = still written
        std::vector<bool> sealed;
        std::vector<Offset> ends;
    };
    Moment moment() const;

private:
    SegmentPtr find_locked(std::size_t slot, Offset offset) const;

    const Slots slots_;
    std::function<void(SegmentPtr)> sealer_;
    mutable std::mutex mutex_;
    std::vector<SegmentPtr> segments_;  // guarded by mutex_, as all below
    std::vector<SegmentGroupPtr> groups_;
    std::vector<Offset> ends_;                  // by slot
    std::atomic<std::uint64_t> generation_{0};  // changes with the sources of keys
};

}  // namespace bus::embedded
