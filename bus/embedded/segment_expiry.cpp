#include "bus/embedded/segment_expiry.hpp"

#include "bus/crash_point.hpp"

#include <algorithm>

namespace bus::embedded {
namespace {

constexpr std::size_t step_bytes = 1u << 20;

// Writes a file front to back in whole pages.
class PageWriter {
public:
    explicit PageWriter(File& file) : file_(file), buffer_(step_bytes) {}

    Result<Done> append(std::string_view bytes) {
        while (!bytes.empty()) {
            const std::size_t some = std::min(bytes.size(), buffer_.size() - filled_);
            std::memcpy(buffer_.data() + filled_, bytes.data(), some);
            filled_ += some;
            bytes.remove_prefix(some);
            if (filled_ < buffer_.size()) continue;
            if (auto written = flush(); !written) return written;
        }
        return Done{};
    }
    // The last page is filled up with zeros.
    Result<Done> flush() {
        const std::size_t pages = page_ceil(filled_);
        std::memset(buffer_.data() + filled_, 0, pages - filled_);
        if (auto written = file_.write_at(at_, buffer_.view().substr(0, pages)); !written)
            return written;
        at_ += pages;
        filled_ = 0;
        return Done{};
    }

private:
    File& file_;
    AlignedBuffer buffer_;
    std::size_t filled_ = 0;
    std::uint64_t at_ = 0;
};

class Rewriting {
public:
    Rewriting(const JournalFiles& journal, const Segment& segment,
              std::optional<std::uint64_t> until, const ExpiredOffsets& expired,
              const ExpiryOptions& options)
        : journal_(journal),
          segment_(segment),
          until_(until),
          expired_(expired),
          options_(options),
          scanned_{PlacesBySlot(journal.slots.count()), std::make_shared<DedupTable>()} {}

    // Reads the segment once: what goes, and how large it is without that.
    Result<Expiry> plan() {
        std::uint64_t at = segment_.header().header_bytes;
        auto end = scan([&](const CheckedFrame& frame) -> Result<Done> {
            CheckedFrame moved = frame;
            std::uint64_t to = at + sizeof(FrameHeader);
            for (PlacedRecord& placed : moved.records) {
                count(placed);
                placed.place = {static_cast<std::uint32_t>(to),
                                static_cast<std::uint32_t>(bytes_left(placed.record))};
                to += placed.place.bytes;
            }
            remember(scanned_, journal_.slots, moved);
            at += frame_bytes_for(to - at - sizeof(FrameHeader));
            return Done{};
        });
        if (!end) return end.error();
        start_ = segment_.begin();
        start_.header.segment_bytes = ~0ull;  // only its length is asked for
        chain_ = end->chain;
        next_sequence_ = end->next_sequence;
        const std::uint64_t footer =
            encode_footer(start_.header, next_sequence_, chain_, scanned_.places, *scanned_.dedup)
                .size();
        start_.header.segment_bytes = page_ceil(at) + footer;
        found_.segments = found_.records > 0 ? 1 : 0;
        found_.bytes_before = segment_.header().segment_bytes;
        found_.bytes_after = start_.header.segment_bytes;
        return found_;
    }

    // After plan().
    Result<Done> write(const std::filesystem::path& path) {
        auto made = journal_.files.create_zeroed(path, start_.header.segment_bytes);
        if (!made) return made;
        crash_point("journal.expire.beside_made");
        auto file = journal_.files.open(path);
        if (!file) return file.error();
        PageWriter pages(**file);
        if (auto head = pages.append(encode_segment_start(start_).view()); !head) return head;
        auto end =
            scan([&](const CheckedFrame& frame) { return pages.append(without_bodies(frame)); });
        if (!end) return end.error();
        if (auto flushed = pages.flush(); !flushed) return flushed;
        auto written = write_footer(**file, start_.header, next_sequence_, chain_, scanned_.places,
                                    *scanned_.dedup);
        crash_point("journal.expire.beside_written");
        return written;
    }

    const SegmentStart& start() const { return start_; }

private:
    bool goes(const StoredRecord& record) const {
        const TopicPartition where{topic_at(record.meta.topic), record.meta.partition};
        return !record.expired() && expired_.has(journal_.slots[where], record.meta.offset);
    }
    std::uint64_t bytes_left(const StoredRecord& record) const {
        return goes(record) ? record.meta.covered_bytes() : record.meta.stored_bytes();
    }
    void count(const PlacedRecord& placed) {
        if (!goes(placed.record)) return;
        found_.records += 1;
        found_.body_bytes += placed.record.value.size();
    }

    std::string without_bodies(const CheckedFrame& frame) const {
        std::string out(sizeof(FrameHeader), '\0');
        for (const PlacedRecord& placed : frame.records) {
            const StoredRecord& record = placed.record;
            const std::size_t at = out.size();
            out += record.covered;
            if (goes(record))
                out[at + flags_at] = static_cast<char>(record.meta.flags | Flags::removed);
            else
                out.append(record.salt).append(record.value);
        }
        out.resize(frame_bytes_for(out.size() - sizeof(FrameHeader)), '\0');
        FrameHeader header = frame.header;
        header.bytes = static_cast<std::uint32_t>(out.size());
        std::memcpy(out.data(), &header, sizeof header);
        return out;
    }

    // Every frame. Bodies are not asked: whether one that stays is damaged, its hash goes on to
    // tell.
    Result<ScanEnd> scan(const std::function<Result<Done>(const CheckedFrame&)>& visit) {
        Result<Done> visited = Done{};
        const auto go_on = [&](const CheckedFrame& frame) {
            if (!visited) return;
            visited = visit(frame);
            if (visited && !options_.go_on(frame.records.size()))
                visited = fail(ErrorCode::cancelled, "stopped");
        };
        auto end =
            scan_frames(segment_.file(), segment_.header(), until_, go_on, Bodies::as_they_are);
        if (!end) return end;
        if (!visited) return visited.error();
        if (until_ && end->next_sequence != *until_)
            return fail(ErrorCode::corrupt, "{}: {} at byte {}; nothing was changed",
                        segment_.path().string(), end->wrong, end->at);
        return end;
    }

    const JournalFiles& journal_;
    const Segment& segment_;
    const std::optional<std::uint64_t> until_;
    const ExpiredOffsets& expired_;
    const ExpiryOptions& options_;
    Expiry found_;
    ScannedSegment scanned_;  // as it stands in the new file
    SegmentStart start_;
    std::uint64_t next_sequence_ = 0;
    Chain chain_{};
};

// From here on the new file is the segment. It is opened first: once it has the name, nothing may
// go on with the old one but readers that hold it.
Result<Done> take_place(const JournalFiles& journal, const SegmentPtr& before, SegmentStart start,
                        const std::filesystem::path& beside) {
    auto file = journal.files.open(beside);
    if (!file) return file.error();
    auto now = std::make_shared<Segment>(*std::move(file), std::move(start), before->path());
    auto footer = SegmentFooter::read(now->file(), now->header(), journal.slots.count());
    if (!footer) return footer.error();
    if (!*footer || !(*footer)->check_head(now->file()))
        return fail(ErrorCode::unavailable, "the footer of segment {} did not survive writing",
                    now->id());
    if (auto open = before->file().lose_name(); !open) return open;
    if (auto renamed = journal.files.rename(beside, before->path()); !renamed) return renamed;
    now->file().rest(now->path());
    crash_point("journal.expire.renamed");
    auto synced = journal.files.sync_directory(journal.directory);
    journal.cache.forget(before->id());
    journal.segments.replace(before, now, std::move(*footer));
    return synced;
}

}  // namespace

Result<ExpiredOffsets> ExpiredOffsets::of(std::span<const RecordRange> ranges, const Slots& slots) {
    ExpiredOffsets out;
    out.ranges_.resize(slots.count());
    for (const RecordRange& range : ranges) {
        if (!may_expire(range.where.topic) || !slots.contains(range.where))
            return fail(ErrorCode::invalid_input, "{}/{} is kept for ever or not there",
                        short_name(range.where.topic), range.where.partition);
        out.ranges_[slots[range.where]].push_back(range);
    }
    return out;
}

bool ExpiredOffsets::has(std::size_t slot, Offset offset) const {
    return std::any_of(ranges_[slot].begin(), ranges_[slot].end(), [&](const RecordRange& one) {
        return one.from <= offset && offset < one.before;
    });
}

std::vector<RecordRange> ExpiredOffsets::within(const std::vector<Offset>& starts,
                                                const std::vector<Offset>& ends) const {
    std::vector<RecordRange> found;
    for (std::size_t slot = 0; slot < ranges_.size(); ++slot)
        for (RecordRange range : ranges_[slot]) {
            range.from = std::max(range.from, starts[slot]);
            range.before = std::min(range.before, ends[slot]);
            if (range.from < range.before) found.push_back(range);
        }
    return found;
}

void add(Expiry& sum, const Expiry& more) {
    sum.records += more.records;
    sum.body_bytes += more.body_bytes;
    sum.segments += more.segments;
    sum.bytes_before += more.bytes_before;
    sum.bytes_after += more.bytes_after;
}

Result<Done> settle_names(FileOps& files, const std::filesystem::path& directory) {
    auto names = files.list(directory);
    if (!names) return names.error();
    if (std::find(names->begin(), names->end(), beside_name) != names->end())
        if (auto removed = files.remove(directory / beside_name); !removed) return removed;
    return files.sync_directory(directory);
}

Result<Expiry> expire_in(const JournalFiles& journal, const SegmentPtr& segment,
                         std::optional<std::uint64_t> until_sequence, const ExpiredOffsets& expired,
                         const ExpiryOptions& options) {
    Rewriting rewriting(journal, *segment, until_sequence, expired, options);
    auto found = rewriting.plan();
    if (!found) return found.error();
    if (found->records == 0) return Expiry{};
    if (options.dry_run) return found;
    const auto beside = journal.directory / beside_name;
    auto placed = rewriting.write(beside);
    if (placed) placed = take_place(journal, segment, rewriting.start(), beside);
    if (!placed) {
        (void)journal.files.remove(beside);  // not there any more when it has its name
        return placed.error();
    }
    crash_point("journal.expire.segment_done");
    return found;
}

}  // namespace bus::embedded
