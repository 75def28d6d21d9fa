#include "bus/embedded/journal_verifier.hpp"

#include "bus/embedded/file_window.hpp"

namespace bus::embedded {
namespace {

constexpr std::uint64_t step_records = 1024;

std::string range_text(TopicPartition where, Offset first, Offset end) {
    const std::string text = to_string(Address{where.topic, where.partition, first});
    return end - first == 1 ? text : fmt::format("{}..{}", text, end - 1);
}

Address address_of(const RecordMeta& meta) {
    return {topic_at(meta.topic), meta.partition, meta.offset};
}

std::vector<TopicPartition> all_slots(const Slots& slots) {
    std::vector<TopicPartition> out(slots.count());
    for (std::size_t t = 0; t < topic_count; ++t)
        for (PartitionId p = 0; p < (is_partitioned(topic_at(t)) ? slots.partitions() : 1); ++p)
            out[slots[{topic_at(t), p}]] = {topic_at(t), p};
    return out;
}

}  // namespace

// The frames and the footer of one segment.
class JournalVerifier::SegmentWalk {
public:
    SegmentWalk(JournalVerifier& all, const SegmentToProve& segment)
        : all_(all),
          segment_(segment),
          header_(segment.start.header),
          window_(segment.file),
          where_of_(all_slots(all.slots_)),
          unsure_(all.slots_.count()),
          scanned_{PlacesBySlot(all.slots_.count()), std::make_shared<DedupTable>()} {}

    Result<Done> run() {
        if (auto header = check_header(); !header) return header;
        at_ = header_.header_bytes;
        while (!at_end()) {
            auto check = next_frame();
            if (!check) return check.error();
            if (!check->wrong.empty()) {
                auto ends = ends_here();
                if (!ends) return ends.error();
                if (*ends) break;
                if (auto found = find_next(check->wrong); !found) return found.error();
                continue;
            }
            take(check->frame);
            if (auto told = tell_progress(step_records); !told) return told;
        }
        all_.proof_.segments += 1;
        if (auto told = tell_progress(1); !told) return told;
        return segment_.sealed && !damaged_ ? check_footer() : Done{};
    }

private:
    bool at_end() const {
        if (segment_.until_sequence) return all_.sequence_ >= *segment_.until_sequence || lost_;
        if (!segment_.visible) return lost_;
        const std::vector<Offset>& visible = *segment_.visible;
        for (std::size_t slot = 0; slot < visible.size(); ++slot)
            if (all_.next_[slot] < visible[slot]) return lost_;
        return true;
    }
    // Only a copy that nobody writes to ends where no frame is; not if a later one follows.
    Result<bool> ends_here() {
        if (segment_.until_sequence || segment_.visible) return false;
        auto rest = survey_rest(segment_.file, header_, at_, all_.sequence_);
        if (!rest) return rest.error();
        if (rest->later_sequence) return false;
        if (rest->nonzero_end > 0)
            all_.remark(fmt::format(
                "{}: {} bytes at byte {} are no whole group: cut off by a crash or damaged since; "
                "the next start cuts them",
                segment_.path.string(), rest->nonzero_end - at_, at_));
        return true;
    }

    Result<Done> check_header() {
        auto bytes = window_.get(0, header_.header_bytes);
        if (!bytes) return bytes.error();
        DecodedStart there = decode_segment_start(*bytes);
        there.start.header.crc = header_.crc;  // checked by decoding; not kept by who wrote it
        if (there.state == HeaderState::valid &&
            bytes_of(there.start.header) == bytes_of(header_) &&
            there.start.ends == segment_.start.ends)
            return Done{};
        damaged(0, "the segment header is damaged");
        return Done{};
    }

    Result<FrameCheck> next_frame() {
        auto bytes = window_.get(at_, sizeof(FrameHeader));
        if (!bytes) return bytes.error();
        if (bytes->size() >= sizeof(FrameHeader)) {
            const auto header = load<FrameHeader>(bytes->data());
            if (wrong_with(header, header_, at_).empty()) {
                bytes = window_.get(at_, header.bytes);
                if (!bytes) return bytes.error();
            }
        }
        return check_frame(*bytes, header_, at_);
    }

    // After a frame that is not one: goes on at the next good one of this segment.
    Result<Done> find_next(const std::string& wrong) {
        const std::uint64_t wanted = all_.sequence_;
        damaged(at_, wrong);
        for (at_ += frame_align_bytes; at_ < header_.segment_bytes; at_ += frame_align_bytes) {
            auto bytes = window_.get(at_, sizeof(FrameHeader));
            if (!bytes) return bytes.error();
            if (bytes->size() < sizeof(FrameHeader)) break;
            const auto header = load<FrameHeader>(bytes->data());
            if (header.sequence <= wanted || !wrong_with(header, header_, at_).empty()) continue;
            if (segment_.until_sequence && header.sequence >= *segment_.until_sequence) continue;
            auto check = next_frame();
            if (!check) return check.error();
            if (!check->wrong.empty()) continue;
            adopt(check->frame);
            return Done{};
        }
        lost_ = true;
        return Done{};
    }

    void damaged(std::uint64_t at, std::string what) {
        damaged_ = true;
        std::fill(unsure_.begin(), unsure_.end(), true);
        all_.proof_.add(
            {.where = {}, .file = segment_.path.string(), .at = at, .what = std::move(what)});
    }

    // What the chain was before this frame cannot be known; from here on it is proved again.
    void adopt(const CheckedFrame& frame) {
        all_.sequence_ = frame.header.sequence;
        adopted_ = true;
    }

    void take(const CheckedFrame& frame) {
        if (frame.header.sequence != all_.sequence_)
            damaged(at_, fmt::format("frame {} stands where {} should", frame.header.sequence,
                                     all_.sequence_));
        else if (!adopted_ &&
                 next_chain(all_.chain_, frame.header, covered(frame)) != frame.header.chain)
            damaged(at_, fmt::format("the chain breaks at frame {}", all_.sequence_));
        adopted_ = false;
        for (const PlacedRecord& placed : frame.records) take(placed);
        remember(scanned_, all_.slots_, frame);
        all_.sequence_ = frame.header.sequence + 1;
        all_.chain_ = frame.header.chain;
        all_.proof_.groups += 1;
        at_ += frame.stored_bytes;
    }

    std::string_view covered(const CheckedFrame& frame) {
        covered_.clear();
        for (const PlacedRecord& placed : frame.records) append_as_written(covered_, placed.record);
        return covered_;
    }

    void take(const PlacedRecord& placed) {
        const RecordMeta& meta = placed.record.meta;
        const std::size_t slot = all_.slots_[{topic_at(meta.topic), meta.partition}];
        if (meta.offset != all_.next_[slot]) note_gap(slot, meta.offset, placed.place.at);
        unsure_[slot] = false;
        all_.next_[slot] = meta.offset + 1;
        all_.proof_.records += 1;
        all_.proof_.bytes += meta.key_bytes + meta.headers_bytes + placed.record.value.size();
        told_ += 1;
        all_.proof_.look_at(HeadersView(placed.record.headers), address_of(meta));
        check_body(placed);
    }

    void check_body(const PlacedRecord& placed) {
        const auto report = [&](std::string_view what) {
            all_.proof_.add({.where = to_string(address_of(placed.record.meta)),
                             .file = segment_.path.string(),
                             .at = placed.place.at,
                             .what = std::string(what)});
        };
        if (placed.record.expired()) {
            all_.proof_.expired += 1;
            return;
        }
        if (placed.record.erased()) {
            all_.proof_.erased += 1;
            if (!is_blank(placed.record))
                report(
                    "it is marked as erased, yet its body is there: the erasure was interrupted "
                    "and is done again at the next start, or the mark is a damaged bit");
            return;
        }
        if (all_.bodies_seen_++ % all_.options_.one_body_in != 0) return;
        all_.proof_.bodies += 1;
        if (!body_checks(placed.record)) report("the body does not match its hash");
    }

    // Behind a damaged frame the records of that frame are named with it.
    void note_gap(std::size_t slot, Offset found, std::uint64_t at) {
        const Offset expected = all_.next_[slot];
        if (found > expected && unsure_[slot]) return name_lost(slot, found);
        all_.proof_.add({.where = to_string(
                             Address{where_of_[slot].topic, where_of_[slot].partition, expected}),
                         .file = segment_.path.string(),
                         .at = at,
                         .what = fmt::format("offset {} stands where {} should", found, expected)});
        damaged_ = true;
    }

    void name_lost(std::size_t slot, Offset found) {
        if (all_.proof_.damage.empty() || all_.proof_.damage_count > LogProof::listed_max) return;
        std::string& where = all_.proof_.damage.back().where;
        if (!where.empty()) where += ", ";
        where += range_text(where_of_[slot], all_.next_[slot], found);
    }

    Result<Done> tell_progress(std::uint64_t at_least) {
        if (told_ < at_least) return Done{};
        if (!all_.options_.go_on(std::exchange(told_, 0)))
            return fail(ErrorCode::cancelled, "stopped");
        return Done{};
    }

    Result<Done> check_footer() {
        const AlignedBuffer wanted =
            encode_footer(header_, all_.sequence_, all_.chain_, scanned_.places, *scanned_.dedup);
        const std::uint64_t at = header_.segment_bytes - wanted.size();
        std::string there(wanted.size(), '\0');
        auto read = segment_.file.read_at(at, there.data(), there.size());
        if (!read) return read.error();
        const auto differs =
            std::mismatch(there.begin(), there.end(), wanted.view().begin()).first - there.begin();
        if (*read == there.size() && differs == static_cast<std::ptrdiff_t>(there.size()))
            return Done{};
        all_.proof_.add({.where = {},
                         .file = segment_.path.string(),
                         .at = at + static_cast<std::uint64_t>(differs),
                         .what = "the footer differs from what the frames say; no record is lost, "
                                 "it is made again when it is read"});
        return Done{};
    }

    JournalVerifier& all_;
    const SegmentToProve& segment_;
    const SegmentHeader& header_;
    FileWindow window_;
    const std::vector<TopicPartition> where_of_;
    std::vector<bool> unsure_;  // by slot: the damage before may have taken records
    ScannedSegment scanned_;
    std::string covered_;
    std::uint64_t at_ = 0;
    std::uint64_t told_ = 0;
    bool damaged_ = false;
    bool adopted_ = false;
    bool lost_ = false;  // no good frame follows
};

// What the segment's header says must be where the one before ended.
void JournalVerifier::join(const SegmentToProve& segment) {
    const SegmentHeader& header = segment.start.header;
    if (next_.empty()) {
        next_ = segment.start.ends;
        sequence_ = header.first_sequence;
        chain_ = header.chain;
        if (next_ != std::vector<Offset>(next_.size(), 0))
            remark(
                fmt::format("the journal begins with {}: what came before was retained away, or "
                            "its files are missing",
                            segment.path.string()));
        return;
    }
    std::string lost;
    const auto where_of = all_slots(slots_);
    for (std::size_t slot = 0; slot < next_.size(); ++slot) {
        if (segment.start.ends[slot] == next_[slot]) continue;
        if (!lost.empty()) lost += ", ";
        const Offset a = std::min(next_[slot], segment.start.ends[slot]);
        const Offset b = std::max(next_[slot], segment.start.ends[slot]);
        lost += range_text(where_of[slot], a, b);
    }
    const bool joins = lost.empty() && header.first_sequence == sequence_ && header.chain == chain_;
    if (!joins)
        proof_.add(
            {.where = lost,
             .file = segment.path.string(),
             .what = fmt::format("it goes on with group {}, the groups before it end with "
                                 "{}: a segment file or its end is missing, changed or "
                                 "swapped",
                                 header.first_sequence, sequence_ == 0 ? 0 : sequence_ - 1)});
    next_ = segment.start.ends;
    sequence_ = header.first_sequence;
    chain_ = header.chain;
}

Result<Done> JournalVerifier::prove(const SegmentToProve& segment) {
    join(segment);
    return SegmentWalk(*this, segment).run();
}

}  // namespace bus::embedded
