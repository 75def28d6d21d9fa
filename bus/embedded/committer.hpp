// The one thread that writes: takes what was appended, drops copies, forms groups, makes each
// durable with one write and one sync, then makes it visible and answers.
#pragma once

#include "bus/embedded/journal_probe.hpp"
#include "bus/embedded/record_fetch.hpp"
#include "bus/embedded/recovery.hpp"

#include <chrono>

namespace bus::embedded {

class ReaderSignals;

class Committer {
public:
    Committer(const JournalOptions& options, const Slots& slots, SegmentList& segments,
              Keeper& keeper, TailCache& cache, ReaderSignals& signals);
    ~Committer();

    // Goes on at `point`, or begins the first segment.
    Result<Done> start(const std::optional<WritePoint>& point);
    void append(NewRecord record, AppendDone done);
    // Blanks bodies of a segment that may be the one being written: done by the committer between
    // two groups. Waits for it. Errors: unavailable, corrupt, cancelled.
    Result<Done> erase(const SegmentPtr& segment, const std::vector<PlacedAddress>& records);
    // The segment that is written is full as it is, or was abandoned; the next one is begun. Waits
    // for it. Nothing to do for an empty one. Errors: unavailable, cancelled.
    Result<Done> begin_next_segment();
    void close();

    void set_active_callers(std::size_t callers) { active_callers_.store(callers); }
    JournalStats stats() const;
    LogStatus status() const;

private:
    using Instant = std::chrono::steady_clock::time_point;

    struct Waiting {
        NewRecord record;
        AppendDone done;
        std::optional<Error> refused;  // decided when it came
    };
    // What becomes of one waiting append.
    struct Outcome {
        std::optional<Result<Appended>> result;  // none yet: it is in the group, or a copy of one
        std::optional<std::size_t> copy_of;      // index of the one in the group
    };
    struct Grouped {
        std::size_t index = 0;  // into the batch
        std::size_t slot = 0;
        Place place;
        Appended appended;
    };

    // What another thread waits for while the committer does it between two groups.
    struct Errand {
        std::function<Result<Done>()> work;
        std::optional<Result<Done>> result;
    };

    bool take(std::vector<Waiting>& batch);
    void begin_again(std::unique_lock<std::mutex>& lock);
    void run_errands(std::unique_lock<std::mutex>& lock);
    Result<Done> run_between_groups(std::function<Result<Done>()> work);
    Result<Done> blank(const SegmentPtr& segment, const std::vector<PlacedAddress>& records);
    Result<Done> leave_segment();
    std::size_t gather_target() const;
    void settle(std::vector<Waiting>& batch);
    void prefetch_keys(const std::vector<Waiting>& batch);
    std::optional<Error> check_size(const NewRecord& record) const;
    std::optional<Result<Appended>> refuse(const Waiting& waiting) const;
    // The answer for a copy; sets copy_of when the first one is in the group being built.
    bool is_copy(std::size_t index, const NewRecord& record, Outcome& outcome);
    void refresh_sources();  // where keys are looked up and remembered
    Result<std::optional<Appended>> find_first(const DedupKey& key, Timestamp ingest_time);
    Result<std::optional<DedupEntry>> find_in(const DedupSource& source, const DedupKey& key,
                                              Timestamp ingest_time);
    void add_to_group(std::size_t index, const NewRecord& record);
    // Ends the group being built and answers batch[from, to).
    void flush(std::vector<Waiting>& batch, std::size_t from, std::size_t to);
    void make_visible();
    void forget_group();
    void answer(Waiting& waiting, Outcome& outcome);

    Result<Done> make_room(std::uint64_t record_bytes);
    Result<Done> next_segment();
    void abandon_segment(const Error& error);

    const JournalOptions& options_;
    const Slots& slots_;
    SegmentList& segments_;
    Keeper& keeper_;
    TailCache& cache_;
    ReaderSignals& signals_;
    const std::uint64_t record_bytes_max_;
    std::atomic<std::size_t> active_callers_{0};
    std::atomic<std::uint64_t> duplicates_{0}, refused_{0};
    std::atomic<std::size_t> key_sources_{0};
    std::atomic<bool> broken_{false};  // no segment to write in; try again at retry_at_

    // Of the committer thread alone.
    JournalProbe probe_;
    GroupWriter writer_;
    RecordFetch fetch_;
    SegmentPtr segment_;                   // being written; null after a failure
    std::shared_ptr<DedupTable> seen_;     // of segment_; shared with SegmentList
    std::vector<GroupedSources> sources_;  // of all segments, newest first
    std::uint64_t sources_generation_ = 0;
    // Those of `sources_` that may know a copy of what came at remembering_from_ or later: a log of
    // years has thousands of segments, and the windows of few of them last.
    std::vector<GroupedSources> remembering_;
    Timestamp remembering_from_{};
    bool late_ones_ask_ = false;  // segments whose windows are over, since the last refresh
    std::vector<Offset> next_;    // by slot
    WritePoint point_;            // after the last good group
    std::vector<Outcome> outcomes_;
    std::vector<Grouped> group_;
    DedupTable in_group_;  // key to index into group_
    std::vector<VisibleRecord> visible_;
    std::vector<DedupEntry> to_remember_;
    Instant retry_at_{};
    std::chrono::milliseconds retry_delay_{0};

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::condition_variable errand_done_;
    std::vector<Waiting> waiting_;  // guarded by mutex_, as all below
    std::vector<Errand*> errands_;
    bool ended_ = false;  // the thread has gone
    std::size_t waiting_bytes_ = 0;
    std::size_t wake_at_ = 1;  // waiting appends that wake the committer; 0 = it is awake
    std::size_t peak_ = 1;     // most appends outstanding of late
    Instant peak_at_{};
    bool closing_ = false;
    std::string broken_detail_;
    JournalStats stats_;

    std::thread thread_;  // last: uses everything above
};

}  // namespace bus::embedded
