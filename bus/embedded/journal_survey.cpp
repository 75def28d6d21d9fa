#include "bus/embedded/journal_survey.hpp"

#include "bus/embedded/segment_footer.hpp"
#include "bus/embedded/segment_reader.hpp"
#include "bus/existing_files.hpp"

#include <algorithm>

namespace bus::embedded {
namespace {

namespace fs = std::filesystem;

struct OpenSegment {
    fs::path path;
    std::unique_ptr<File> file;
    SegmentStart start;
};

// None for a file that waits for its first use, or that went meanwhile because nothing was in it.
Result<std::optional<OpenSegment>> open_segment(const fs::path& path) {
    auto file = real_files().open(path);
    if (!file && !is_there(path).value_or(true)) return std::optional<OpenSegment>{};
    if (!file) return file.error();
    auto decoded = read_segment_start(**file);
    if (!decoded) return decoded.error();
    if (decoded->state == HeaderState::other_version)
        return fail(ErrorCode::invalid_input, "{} has journal format version {}", path.string(),
                    decoded->version);
    if (decoded->state != HeaderState::valid) return std::optional<OpenSegment>{};
    return std::optional(OpenSegment{path, *std::move(file), std::move(decoded->start)});
}

// Oldest first, each with the beginning of the one after it, the newest with none. Two files are
// open at a time: a journal may have more segments than a process may have descriptors.
using VisitSegment = std::function<Result<Done>(const OpenSegment&, const SegmentStart* next)>;

Result<Done> visit_segments(const fs::path& directory, const VisitSegment& visit) {
    auto names = real_files().list(directory);
    if (!names) return names.error();
    std::sort(names->begin(), names->end());
    std::optional<OpenSegment> segment;
    for (const std::string& name : *names) {
        if (!parse_segment_file_name(name)) continue;
        auto next = open_segment(directory / name);
        if (!next) return next.error();
        if (!*next) continue;
        if (segment) {
            if (auto visited = visit(*segment, &(*next)->start); !visited) return visited;
        }
        segment = std::move(*next);
    }
    if (!segment) return fail(ErrorCode::not_found, "{} holds no journal", directory.string());
    return visit(*segment, nullptr);
}

class Survey {
public:
    Survey(const SegmentHeader& first, const std::optional<KnownTail>& known)
        : slots_(first.partitions), known_(known) {
        out_.partitions = first.partitions;
    }

    // A footer says that nothing but bodies changes any more; else the frames say where it ends.
    Result<Done> add_closed(const OpenSegment& segment, const SegmentStart& next) {
        auto footer = SegmentFooter::read(*segment.file, segment.start.header, slots_.count());
        if (!footer) return footer.error();
        if (*footer) {
            if ((*footer)->next_sequence() != next.header.first_sequence)
                return fail(ErrorCode::corrupt, "{}: the segment after this one is missing",
                            segment.path.string());
            add(segment, segment.start.header.segment_bytes, (*footer)->next_sequence());
            return Done{};
        }
        auto end = scan_frames(*segment.file, segment.start.header, next.header.first_sequence,
                               [](const CheckedFrame&) {});
        if (!end) return end.error();
        if (end->next_sequence != next.header.first_sequence)
            return fail(ErrorCode::corrupt, "{}: {} at byte {}", segment.path.string(), end->wrong,
                        end->at);
        add(segment, end->at, end->next_sequence);
        return Done{};
    }

    Result<Done> add_newest(const OpenSegment& segment) {
        if (known_ && known_->segment == segment.start.header.segment) {
            add(segment, known_->bytes, known_->next_sequence);
            out_.ends = known_->ends;
            out_.next_sequence = known_->next_sequence;
            out_.chain = known_->chain;
            return Done{};
        }
        out_.ends = segment.start.ends;
        auto end = scan_frames(*segment.file, segment.start.header, std::nullopt,
                               [this](const CheckedFrame& frame) { count(frame); });
        if (!end) return end.error();
        add(segment, end->at, end->next_sequence);
        out_.next_sequence = end->next_sequence;
        out_.chain = end->chain;
        return Done{};
    }

    JournalSurvey take() { return std::move(out_); }

private:
    void add(const OpenSegment& segment, std::uint64_t bytes, std::uint64_t next_sequence) {
        const SegmentHeader& header = segment.start.header;
        if (out_.segments.empty()) out_.starts = segment.start.ends;
        out_.segments.push_back(
            {header.segment, segment.path, bytes, header.segment_bytes, next_sequence});
    }
    void count(const CheckedFrame& frame) {
        for (const PlacedRecord& placed : frame.records) {
            const RecordMeta& meta = placed.record.meta;
            ++out_.ends[slots_[{topic_at(meta.topic), meta.partition}]];
        }
    }

    const Slots slots_;
    const std::optional<KnownTail>& known_;
    JournalSurvey out_;
};

}  // namespace

Result<JournalSurvey> survey_journal(const fs::path& directory,
                                     const std::optional<KnownTail>& known) {
    std::optional<Survey> survey;
    const auto add = [&](const OpenSegment& segment, const SegmentStart* next) {
        if (!survey) survey.emplace(segment.start.header, known);
        return next ? survey->add_closed(segment, *next) : survey->add_newest(segment);
    };
    if (auto added = visit_segments(directory, add); !added) return added.error();
    return survey->take();
}

Result<Done> read_journal_topic(const fs::path& directory, Topic topic,
                                const std::function<Result<Done>(const RecordView&)>& visit) {
    Result<Done> visited = Done{};
    const auto show = [&](const CheckedFrame& frame) {
        for (const PlacedRecord& placed : frame.records) {
            const StoredRecord& record = placed.record;
            if (topic_at(record.meta.topic) != topic || !visited) continue;
            const std::string padded = std::string(record.body()) + std::string(64, '\0');
            visited = visit({.address = {topic, 0, record.meta.offset},
                             .key = record.key,
                             .headers = HeadersView(record.headers),
                             .value = std::string_view(padded).substr(0, record.body().size()),
                             .tombstone = (record.meta.flags & Flags::tombstone) != 0,
                             .erased = record.erased() || record.expired(),
                             .expired = record.expired()});
        }
    };
    const auto show_all = [&](const OpenSegment& segment,
                              const SegmentStart* next) -> Result<Done> {
        std::optional<std::uint64_t> until;
        if (next) until = next->header.first_sequence;
        auto end = scan_frames(*segment.file, segment.start.header, until, show);
        if (!end) return end.error();
        if (until && end->next_sequence != *until)
            return fail(ErrorCode::corrupt, "{}: {} at byte {}", segment.path.string(), end->wrong,
                        end->at);
        return visited;
    };
    return visit_segments(directory, show_all);
}

Result<Done> check_segment_copy(const fs::path& copy, const SurveyedSegment& segment) {
    auto opened = open_segment(copy);
    if (!opened) return opened.error();
    if (!*opened || (*opened)->start.header.segment != segment.id)
        return fail(ErrorCode::corrupt, "the header of {} is damaged", segment.file.string());
    auto end = scan_frames(*(*opened)->file, (*opened)->start.header, segment.next_sequence,
                           [](const CheckedFrame&) {});
    if (!end) return end.error();
    if (end->next_sequence == segment.next_sequence) return Done{};
    return fail(ErrorCode::corrupt, "{}: {} at byte {}", segment.file.string(), end->wrong,
                end->at);
}

Result<ProvenCopy> prove_segments(const std::vector<fs::path>& files, std::uint64_t next_sequence,
                                  const std::function<bool(std::uint64_t)>& each) {
    ProvenCopy proven;
    std::uint64_t expected = 0;
    for (std::size_t i = 0; i < files.size(); ++i) {
        auto opened = open_segment(files[i]);
        if (!opened) return opened.error();
        if (!*opened)
            return fail(ErrorCode::corrupt, "{}: its header is damaged", files[i].string());
        const SegmentStart& start = (*opened)->start;
        if (i > 0 && (start.header.first_sequence != expected ||
                      start.header.chain != proven.chain || start.ends != proven.ends))
            return fail(ErrorCode::corrupt, "{} does not continue the segment before it",
                        files[i].string());
        proven.ends = start.ends;
        const Slots slots(start.header.partitions);
        auto next = i + 1 < files.size() ? open_segment(files[i + 1])
                                         : Result<std::optional<OpenSegment>>(std::nullopt);
        if (!next) return next.error();
        const std::uint64_t until = *next ? (*next)->start.header.first_sequence : next_sequence;
        auto end =
            scan_frames(*(*opened)->file, start.header, until, [&](const CheckedFrame& frame) {
                for (const PlacedRecord& placed : frame.records) {
                    const RecordMeta& meta = placed.record.meta;
                    const auto topic = topic_at(meta.topic);
                    ++proven.ends[slots[{topic, meta.partition}]];
                }
            });
        if (!end) return end.error();
        if (end->next_sequence != until)
            return fail(ErrorCode::corrupt, "{}: {} at byte {}", files[i].string(), end->wrong,
                        end->at);
        proven.chain = end->chain;
        expected = end->next_sequence;
        if (!each(end->at)) return fail(ErrorCode::cancelled, "stopped on request");
    }
    return proven;
}

}  // namespace bus::embedded
