// Proves the journal of a folder that nobody serves: a stopped one, a copy, a backup.
#include "bus/embedded/journal_verifier.hpp"

#include <algorithm>

namespace bus::embedded {
namespace {

// Its file is open only while it is looked at: there may be more than a process may have open.
struct FoundSegment {
    std::uint64_t id = 0;
    std::filesystem::path path;
    SegmentStart start;
    std::optional<std::uint64_t> next_sequence;  // by its footer
    bool has_trailer = false;
};

bool is_zero(std::string_view bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; });
}

class FolderWalk {
public:
    FolderWalk(const std::filesystem::path& directory, const VerifyOptions& options, FileOps& files)
        : directory_(directory), options_(options), files_(files) {}

    Result<LogProof> run() {
        if (auto found = find(); !found) return found.error();
        if (segments_.empty() && proof_.proven())
            return fail(ErrorCode::not_found, "{} holds no journal segment", directory_.string());
        const PartitionId partitions =
            segments_.empty() ? 1 : segments_.front().start.header.partitions;
        JournalVerifier verifier(Slots(partitions), options_);
        for (LogDamage& damage : proof_.damage) verifier.add(std::move(damage));
        for (std::size_t i = 0; i < segments_.size(); ++i) {
            const FoundSegment& one = segments_[i];
            if (one.start.header.partitions != partitions) {
                verifier.add({.where = {},
                              .file = one.path.string(),
                              .what = fmt::format("it has {} partitions, the first segment has {}",
                                                  one.start.header.partitions, partitions)});
                continue;
            }
            auto file = files_.open(one.path);
            if (!file) return file.error();
            auto proved = verifier.prove(to_prove(i, **file));
            if (!proved) return proved.error();
        }
        if (!segments_.empty() && segments_.back().has_trailer)
            verifier.add({.where = {},
                          .file = segments_.back().path.string(),
                          .what = "it is full, yet no segment follows: files are missing"});
        return verifier.take();
    }

private:
    Result<Done> find() {
        auto names = files_.list(directory_);
        if (!names) return names.error();
        std::vector<std::uint64_t> ids;
        for (const std::string& name : *names)
            if (auto id = parse_segment_file_name(name)) ids.push_back(*id);
        std::sort(ids.begin(), ids.end());
        for (const std::uint64_t id : ids)
            if (auto looked = look_at(id); !looked) return looked;
        return Done{};
    }

    Result<Done> look_at(std::uint64_t id) {
        FoundSegment found{
            .id = id, .path = directory_ / segment_file_name(id), .start = {}, .next_sequence = {}};
        auto opened = files_.open(found.path);
        if (!opened) return opened.error();
        File& file = **opened;
        std::string head(1u << 16, '\0');
        auto read = file.read_at(0, head.data(), head.size());
        if (!read) return read.error();
        head.resize(*read);
        const DecodedStart decoded = decode_segment_start(head);
        if (decoded.state == HeaderState::other_version)
            return fail(ErrorCode::invalid_input,
                        "{} has journal format version {}; this build reads version {}",
                        found.path.string(), decoded.version, format_version);
        if (decoded.state != HeaderState::valid) return look_at_headless(found, file, head);
        found.start = decoded.start;
        const SegmentHeader& header = found.start.header;
        if (header.segment != id) note(found, fmt::format("it is segment {}", header.segment));
        if (header.segment_bytes != file.size())
            note(found,
                 fmt::format("it has {} bytes instead of {}", file.size(), header.segment_bytes));
        if (auto trailer = look_at_trailer(found, file); !trailer) return trailer;
        segments_.push_back(std::move(found));
        return Done{};
    }

    // Zeros: prepared and never used. Anything else has lost its header.
    Result<Done> look_at_headless(const FoundSegment& found, File& file, std::string_view head) {
        SegmentHeader any{.segment = found.id, .segment_bytes = file.size()};
        auto rest = survey_rest(file, any, 0, 0);
        if (!rest) return rest.error();
        if (!is_zero(head) || rest->nonzero_end > 0) note(found, "the segment header is damaged");
        return Done{};
    }

    Result<Done> look_at_trailer(FoundSegment& found, File& file) {
        const SegmentHeader& header = found.start.header;
        if (file.size() < header.segment_bytes) return Done{};  // cut: told already
        std::string trailer(sizeof(SegmentTrailer), '\0');
        auto read =
            file.read_at(header.segment_bytes - trailer.size(), trailer.data(), trailer.size());
        if (!read) return read.error();
        found.has_trailer = !is_zero(trailer);
        auto footer = SegmentFooter::read(file, header, Slots(header.partitions).count());
        if (!footer) return footer.error();
        if (*footer) found.next_sequence = (*footer)->next_sequence();
        return Done{};
    }

    SegmentToProve to_prove(std::size_t i, File& file) {
        const FoundSegment& one = segments_[i];
        std::optional<std::uint64_t> until = one.next_sequence;
        if (!until && i + 1 < segments_.size())
            until = segments_[i + 1].start.header.first_sequence;
        return {.path = one.path,
                .file = file,
                .start = one.start,
                .until_sequence = until,
                .visible = {},
                .sealed = one.has_trailer};
    }

    void note(const FoundSegment& found, std::string what) {
        proof_.add({.where = {}, .file = found.path.string(), .what = std::move(what)});
    }

    const std::filesystem::path& directory_;
    const VerifyOptions& options_;
    FileOps& files_;
    LogProof proof_;  // of what is seen before the walk
    std::vector<FoundSegment> segments_;
};

}  // namespace

Result<LogProof> verify_folder(const std::filesystem::path& directory, const VerifyOptions& options,
                               FileOps& files) {
    return FolderWalk(directory, options, files).run();
}

}  // namespace bus::embedded
