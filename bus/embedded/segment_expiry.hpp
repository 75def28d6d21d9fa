// Takes expired bodies out of full segments: each file is written anew beside the old one, synced
// and renamed over it (journal_format.hpp, "Expiring").
#pragma once

#include "bus/embedded/segment_list.hpp"
#include "bus/embedded/tail_cache.hpp"

#include <span>

namespace bus::embedded {

inline constexpr std::string_view beside_name = "beside";  // left by a crash: removed at start
// After an expiry that failed, too, no file but the segments themselves has a body, also when the
// power goes: the one beside is gone, and an old one does not come back under its name.
Result<Done> settle_names(FileOps& files, const std::filesystem::path& directory);

// Which offsets of each slot have expired.
class ExpiredOffsets {
public:
    // invalid_input: a topic that is kept for ever, or none of this journal.
    static Result<ExpiredOffsets> of(std::span<const RecordRange> ranges, const Slots& slots);

    bool has(std::size_t slot, Offset offset) const;
    // Those of a segment with these first offsets and ends, by slot.
    std::vector<RecordRange> within(const std::vector<Offset>& starts,
                                    const std::vector<Offset>& ends) const;

private:
    std::vector<std::vector<RecordRange>> ranges_;  // by slot
};

struct JournalFiles {
    FileOps& files;
    const std::filesystem::path& directory;
    const Slots& slots;
    SegmentList& segments;
    TailCache& cache;
};

// What one segment gives back; unless it is a dry run, its new file has taken the old one's place
// when this returns. `until_sequence` is none for the segment that is being written, in a dry run.
// A damaged body goes like others, or stays as it is. Errors: corrupt (a frame does not check:
// nothing was changed), unavailable, cancelled.
Result<Expiry> expire_in(const JournalFiles& journal, const SegmentPtr& segment,
                         std::optional<std::uint64_t> until_sequence, const ExpiredOffsets& expired,
                         const ExpiryOptions& options);

void add(Expiry& sum, const Expiry& more);

}  // namespace bus::embedded
