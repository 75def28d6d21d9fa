// Builds one commit group after the other in memory that mirrors the segment, and writes each with
// one write and one sync.
//
// Pages are always written whole, the last one padded with zeros and written again by the next
// group with the same bytes in front, so that no write ever has to read first. Threads: one.
#pragma once

#include "bus/embedded/file_ops.hpp"
#include "bus/embedded/segment_reader.hpp"
#include "bus/embedded/tail_cache.hpp"

namespace bus::embedded {

// Where writing goes on, in the segment's file and in the chain.
struct WritePoint {
    std::uint64_t at = 0;
    std::uint64_t sequence = 0;
    Chain chain{};
};

// Random bytes for record salts, drawn from the system in bulk.
class SaltSource {
public:
    void next(char* into);

private:
    std::array<char, 4096> pool_{};
    std::size_t used_ = 4096;
};

class GroupWriter {
public:
    explicit GroupWriter(TailCache& cache) : cache_(cache) {}

    // Goes on in `file`, which outlives the next call of open() and holds `records` already. Reads
    // the page it stands in.
    Result<Done> open(File& file, const SegmentHeader& segment, std::size_t slots,
                      const WritePoint& point, std::size_t records);

    static std::uint64_t record_bytes(const NewRecord& record);

    // Whether the group being built can take this record too.
    bool fits(std::uint64_t record_bytes) const;
    // Whether the segment can, in a new group; false asks for the next segment.
    bool segment_fits(std::uint64_t record_bytes) const;
    // For an empty group: makes sure that a record of this size fits.
    void make_room(std::uint64_t record_bytes);

    Place add(const NewRecord& record, Offset offset);
    std::size_t records() const { return crcs_.size(); }
    std::uint64_t group_bytes() const { return end_ - point_.at; }

    // Errors leave the segment in an unknown state: it must not be written again.
    Result<Done> commit();
    const WritePoint& point() const { return point_; }
    void withdraw();  // the group being built
    // Bodies of this segment were erased in its file: what mirrors them follows. Between groups.
    void blank(std::span<const Blanking> records);

private:
    char* at(std::uint64_t file_at) { return arena_->buffer.data() + (file_at - arena_->file_at); }
    std::uint64_t limit(std::size_t more_records) const;  // end of the frames' part
    void seal_frame();

    TailCache& cache_;
    SaltSource salts_;
    File* file_ = nullptr;
    SegmentHeader segment_;
    std::size_t slots_ = 0;
    std::size_t segment_records_ = 0;  // for the footer's size; counts dedup entries as well
    std::shared_ptr<Arena> arena_;
    WritePoint point_;       // of the group being built
    std::uint64_t end_ = 0;  // where its next record goes
    std::vector<std::uint32_t> crcs_;
    std::string covered_;
};

}  // namespace bus::embedded
