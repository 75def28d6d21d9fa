// What a journal's directory holds, seen from outside: for a copy that a journal can be opened on.
//
// Works beside the process that writes: what it finds is a prefix of the log, the same moment for
// all topics. A group that is being written may or may not be part of it, never half of it. Nothing
// is changed.
#pragma once

#include "bus/embedded/journal_format.hpp"
#include "bus/slots.hpp"

#include <filesystem>
#include <functional>

namespace bus::embedded {

// The front of a segment's file that belongs to the copy; up to the full size follow zeros.
struct SurveyedSegment {
    std::uint64_t id = 0;
    std::filesystem::path file;
    std::uint64_t bytes = 0;
    std::uint64_t full_bytes = 0;
    std::uint64_t next_sequence = 0;  // after its last frame
};

struct JournalSurvey {
    PartitionId partitions = 0;
    std::vector<SurveyedSegment> segments;  // oldest first; all but the last are closed
    std::vector<Offset> starts, ends;       // by slot
    std::uint64_t next_sequence = 0;
    Chain chain{};  // of the last frame
};

// What an earlier survey knew of the newest segment, for a caller who knows that its file has not
// changed since: it is then not read again.
struct KnownTail {
    std::uint64_t segment = 0;
    std::uint64_t bytes = 0;
    std::vector<Offset> ends;
    std::uint64_t next_sequence = 0;
    Chain chain{};
};

// not_found: no segment there. corrupt: frames that do not check, or segments that do not join,
// named. unavailable.
Result<JournalSurvey> survey_journal(const std::filesystem::path& directory,
                                     const std::optional<KnownTail>& known = {});

// The records of a topic with one partition, in order, from the files of a journal that another
// process may be writing. Errors as survey_journal(), and those of `visit`.
Result<Done> read_journal_topic(const std::filesystem::path& directory, Topic topic,
                                const std::function<Result<Done>(const RecordView&)>& visit);

// That a copy of that front holds all its frames, whole, bodies included. corrupt, unavailable.
Result<Done> check_segment_copy(const std::filesystem::path& copy, const SurveyedSegment& segment);

// Files of all segments, oldest first, of a copy that ends before `next_sequence`: frames, bodies
// and one chain over all of them. Gives the ends by slot and the chain after the last frame.
// corrupt, with file and byte; unavailable. `each` is told the bytes of each segment that is done;
// false stops with `cancelled`.
struct ProvenCopy {
    std::vector<Offset> ends;
    Chain chain{};
};
Result<ProvenCopy> prove_segments(const std::vector<std::filesystem::path>& files,
                                  std::uint64_t next_sequence,
                                  const std::function<bool(std::uint64_t bytes)>& each);

}  // namespace bus::embedded
