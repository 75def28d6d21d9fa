#include "bus/embedded/recovery.hpp"

#include "bus/crypto/sealing.hpp"
#include "bus/embedded/segment_expiry.hpp"
#include "bus/logging.hpp"

#include <algorithm>

namespace bus::embedded {
namespace {

struct FoundFile {
    std::uint64_t id = 0;
    std::filesystem::path path;
    std::unique_ptr<File> file;
    DecodedStart decoded;
};

Result<FoundFile> look_at(const JournalOptions& options, std::uint64_t id) {
    FoundFile found;
    found.id = id;
    found.path = options.directory / segment_file_name(id);
    auto file = options.files->open(found.path);
    if (!file) return file.error();
    found.file = std::move(*file);
    found.file->rest(found.path);
    auto decoded = read_segment_start(*found.file, header_bytes_for(Slots(options.partitions)));
    if (decoded && decoded->state == HeaderState::damaged)
        decoded = read_segment_start(*found.file);
    if (!decoded) return decoded.error();
    found.decoded = *std::move(decoded);
    if (found.decoded.state == HeaderState::other_version)
        return fail(ErrorCode::invalid_input,
                    "{} has journal format version {}; this build reads version {}",
                    found.path.string(), found.decoded.version, format_version);
    if (found.decoded.state != HeaderState::valid) return found;
    const SegmentHeader& header = found.decoded.start.header;
    if (header.segment != id)
        return fail(ErrorCode::corrupt, "{} is segment {}", found.path.string(), header.segment);
    if (header.segment_bytes != found.file->size())
        return fail(ErrorCode::corrupt, "{} has {} bytes instead of {}", found.path.string(),
                    found.file->size(), header.segment_bytes);
    if (header.partitions != options.partitions)
        return fail(ErrorCode::conflict,
                    "the journal in {} has {} partitions, {} were asked for; the number is fixed",
                    options.directory.string(), header.partitions, options.partitions);
    return found;
}

Result<std::vector<FoundFile>> find_files(const JournalOptions& options) {
    auto names = options.files->list(options.directory);
    if (!names) return names.error();
    std::vector<std::uint64_t> ids;
    for (const std::string& name : *names)
        if (auto id = parse_segment_file_name(name)) ids.push_back(*id);
    std::sort(ids.begin(), ids.end());
    std::vector<FoundFile> found;
    for (const std::uint64_t id : ids) {
        auto one = look_at(options, id);
        if (!one) return one.error();
        found.push_back(std::move(*one));
    }
    return found;
}

// A header is synced before the first frame, so a file with a bad header holds none, unless the
// header was damaged later: torn, or lost as zeros. Hence the look behind it, where the first
// frames would stand; reading all of a prepared segment would take most of a start's time. All of
// one that a used segment follows is read, footer included: it is to be removed.
constexpr std::uint64_t first_frames_bytes = 4u << 20;

Result<Done> must_be_unused(const FoundFile& found, std::uint32_t header_bytes,
                            std::uint64_t bytes_max) {
    SegmentHeader any{.segment = found.id,
                      .segment_bytes = std::min(found.file->size(), bytes_max)};
    auto rest = survey_rest(*found.file, any, header_bytes, 0);
    if (!rest) return rest.error();
    if (rest->nonzero_end > 0)
        return fail(ErrorCode::corrupt, "the header of {} is damaged", found.path.string());
    return Done{};
}

Result<Done> zero(File& file, std::uint64_t from, std::uint64_t to) {
    constexpr std::uint64_t step_bytes = 1u << 20;
    if (from % page_bytes != 0) {  // keep what stands before it in its page
        AlignedBuffer page = AlignedBuffer::zeroed(page_bytes);
        const std::uint64_t start = page_floor(from);
        if (auto read = file.read_at(start, page.data(), from - start); !read) return read.error();
        if (auto written = file.write_at(start, page.view()); !written) return written;
        from = start + page_bytes;
    }
    const AlignedBuffer zeros = AlignedBuffer::zeroed(step_bytes);
    for (to = page_ceil(to); from < to; from += step_bytes) {
        const auto step = zeros.view().substr(0, std::min(step_bytes, to - from));
        if (auto written = file.write_at(from, step); !written) return written;
    }
    return file.sync();
}

Error broken(const FoundFile& found, std::string_view why, std::uint64_t at) {
    return fail(ErrorCode::corrupt, "{}: {} at byte {}; nothing was changed", found.path.string(),
                why, at);
}

class Recovery {
public:
    Recovery(const JournalOptions& options, const Slots& slots, SegmentList& segments)
        : options_(options), slots_(slots), segments_(segments) {}

    Result<Recovered> run() {
        (void)options_.files->remove(options_.directory / "spare");
        (void)options_.files->remove(options_.directory / beside_name);
        auto found = find_files(options_);
        if (!found) return found.error();
        if (!found->empty()) out_.next_id = found->back().id + 1;
        auto used = set_unused_aside(std::move(*found));
        if (!used) return used.error();
        if (auto begins = must_begin(*used); !begins) return begins.error();
        for (std::size_t i = 0; i < used->size(); ++i) {
            const FoundFile* next = i + 1 < used->size() ? &(*used)[i + 1] : nullptr;
            auto opened = next ? open_full((*used)[i], next->decoded.start) : open_last((*used)[i]);
            if (!opened) return opened.error();
        }
        for (const std::filesystem::path& path : to_remove_) (void)options_.files->remove(path);
        return std::move(out_);
    }

private:
    // Returns the files that hold a header; one that waits for its first use becomes `prepared`.
    Result<std::vector<FoundFile>> set_unused_aside(std::vector<FoundFile> found) {
        const auto is_used = [](const FoundFile& one) {
            return one.decoded.state == HeaderState::valid;
        };
        const auto used_end = std::find_if(found.rbegin(), found.rend(), is_used).base();
        std::vector<FoundFile> used;
        for (auto one = found.begin(); one != found.end(); ++one) {
            if (is_used(*one)) {
                used.push_back(std::move(*one));
                continue;
            }
            const std::uint32_t header_bytes = header_bytes_for(slots_);
            const bool is_followed = one < used_end;
            const std::uint64_t bytes_max =
                is_followed ? one->file->size() : header_bytes + first_frames_bytes;
            auto unused = must_be_unused(*one, header_bytes, bytes_max);
            if (!unused) return unused.error();
            // The first of several: so the very first file stays until a later one is in use.
            if (!is_followed && !out_.prepared) {
                if (auto open = one->file->stay_open(); !open) return open.error();
                out_.prepared = PreparedSegment{one->id, std::move(one->file), one->path};
            } else {
                to_remove_.push_back(one->path);
            }
        }
        return used;
    }

    // Segments are numbered from 1 and never go by themselves: when all that were used are gone,
    // what is left is a prepared one of a higher number, and not a journal that begins.
    Result<Done> must_begin(std::vector<FoundFile>& used) {
        if (!used.empty() && used.front().decoded.start.header.first_sequence != 0)
            return broken(used.front(), "the segment before this one is missing", 0);
        if (!out_.prepared) return Done{};
        if (used.empty() && out_.prepared->id != 1)
            return fail(ErrorCode::corrupt,
                        "{} is there, but the segments before it are missing: {} was the first; "
                        "nothing was changed",
                        out_.prepared->path.string(), segment_file_name(1));
        if (out_.prepared->file->size() == options_.segment_bytes) return Done{};
        if (used.empty()) out_.next_id = 1;
        to_remove_.push_back(out_.prepared->path);
        out_.prepared.reset();
        return Done{};
    }

    Result<Done> open_full(FoundFile& found, const SegmentStart& next) {
        auto footer = SegmentFooter::read(*found.file, found.decoded.start.header, slots_.count());
        if (!footer) return footer.error();
        const std::uint64_t until = next.header.first_sequence;
        if (*footer) {
            if (until != (*footer)->next_sequence() || next.header.chain != (*footer)->chain())
                return broken(found, "the next segment does not continue this one", 0);
        }
        if (*footer && counts_join(**footer, found.decoded.start, next)) {
            const SegmentPtr segment = add(found);
            segments_.set_sealed(segment, std::move(*footer));
            return Done{};
        }
        ScannedSegment scanned = nothing_scanned();
        auto end = scan(found, until, scanned);
        if (!end) return end.error();
        if (end->next_sequence != until) return broken(found, end->wrong, end->at);
        if (end->chain != next.header.chain)
            return broken(found, "the next segment does not continue this one", end->at);
        const SegmentPtr segment = add(found);
        segments_.adopt(segment, std::move(scanned));
        if (segments_.ends() != next.ends)
            return fail(ErrorCode::corrupt, "{}: offsets do not join the next segment",
                        segment->path().string());
        out_.to_seal.push_back(segment);
        return Done{};
    }

    // If not, either is damaged: the frames tell.
    bool counts_join(const SegmentFooter& footer, const SegmentStart& start,
                     const SegmentStart& next) const {
        for (std::size_t slot = 0; slot < slots_.count(); ++slot)
            if (start.ends[slot] + footer.count(slot) != next.ends[slot]) return false;
        return true;
    }

    Result<Done> open_last(FoundFile& found) {
        const SegmentHeader header = found.decoded.start.header;
        if (auto open = found.file->stay_open(); !open) return open;
        auto footer = SegmentFooter::read(*found.file, header, slots_.count());
        if (!footer) return footer.error();
        if (*footer) return broken(found, "the segment after this one is missing", 0);
        ScannedSegment scanned = nothing_scanned();
        auto end = scan(found, std::nullopt, scanned);
        if (!end) return end.error();
        auto rest = survey_rest(*found.file, header, end->at, end->next_sequence);
        if (!rest) return rest.error();
        if (rest->later_sequence)
            return broken(
                found, fmt::format("{}, yet frame {} follows", end->wrong, *rest->later_sequence),
                end->at);
        if (rest->nonzero_end > 0) {
            logging::warn("journal_tail_cut", {{"segment", header.segment},
                                               {"at", end->at},
                                               {"bytes", rest->nonzero_end - end->at},
                                               {"reason", end->wrong}});
            auto zeroed = zero(*found.file, end->at, rest->nonzero_end);
            if (!zeroed) return zeroed;
        }
        // What was written but not synced by a killed process must be durable before it is served.
        if (auto synced = found.file->sync(); !synced) return synced;
        const SegmentPtr segment = add(found);
        segments_.adopt(segment, std::move(scanned));
        out_.point = WritePoint{end->at, end->next_sequence, end->chain};
        return Done{};
    }

    ScannedSegment nothing_scanned() const {
        return {PlacesBySlot(slots_.count()), std::make_shared<DedupTable>()};
    }

    Result<ScanEnd> scan(FoundFile& found, std::optional<std::uint64_t> until,
                         ScannedSegment& into) {
        return scan_frames(*found.file, found.decoded.start.header, until,
                           [&](const CheckedFrame& frame) { remember(into, slots_, frame); });
    }

    SegmentPtr add(FoundFile& found) {
        auto segment = std::make_shared<Segment>(std::move(found.file),
                                                 std::move(found.decoded.start), found.path);
        segments_.add(segment);
        return segment;
    }

    const JournalOptions& options_;
    const Slots& slots_;
    SegmentList& segments_;
    std::vector<std::filesystem::path> to_remove_;  // once all others have opened
    Recovered out_;
};

}  // namespace

Result<Recovered> recover(const JournalOptions& options, const Slots& slots,
                          SegmentList& segments) {
    return Recovery(options, slots, segments).run();
}

Result<SegmentPtr> begin_segment(PreparedSegment prepared, const JournalOptions& options,
                                 const WritePoint& point, std::vector<Offset> ends) {
    const Slots slots(options.partitions);
    SegmentStart start{.header = {.segment = prepared.id,
                                  .first_sequence = point.sequence,
                                  .segment_bytes = prepared.file->size(),
                                  .header_bytes = header_bytes_for(slots),
                                  .partitions = options.partitions,
                                  .created_us = to_us(options.clock->now()),
                                  .chain = point.chain},
                       .ends = std::move(ends)};
    crypto::random_bytes(start.header.nonce.data(), start.header.nonce.size());
    const AlignedBuffer page = encode_segment_start(start);
    if (auto written = prepared.file->write_at(0, page.view()); !written) return written.error();
    if (auto synced = prepared.file->sync(); !synced) return synced.error();
    return std::make_shared<Segment>(std::move(prepared.file), std::move(start), prepared.path);
}

}  // namespace bus::embedded
