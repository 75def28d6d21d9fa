// The journal's housekeeper, a thread: it has the next segment ready before it is needed, writes
// the footers of full ones, watches the free space, and groups sealed segments for look-ups.
#pragma once

#include "bus/embedded/journal.hpp"
#include "bus/embedded/segment_groups.hpp"

#include <condition_variable>
#include <deque>
#include <thread>

namespace bus::embedded {

// A segment file of zeros under its final name.
struct PreparedSegment {
    std::uint64_t id = 0;
    std::unique_ptr<File> file;
    std::filesystem::path path;
};

class Keeper {
public:
    Keeper(const JournalOptions& options, SegmentList& segments, std::uint64_t next_id,
           std::optional<PreparedSegment> prepared);
    ~Keeper();

    void start();
    void stop();

    // Waits for the next segment; unavailable when it cannot be made now.
    Result<PreparedSegment> take_next();
    void seal(SegmentPtr segment);
    void group();  // look-ups have many segments to ask: begins to group them, when there is time

    LogStatus space() const;  // accepting as far as the disk is concerned
    bool has_space() const { return has_space_.load(std::memory_order_relaxed); }

private:
    void run();
    bool wants_segment() const;  // with mutex_, and not within the pause after a failure
    bool wants_seal() const;     // the same
    void prepare();
    void seal_next();
    bool go_on_grouping(std::unique_lock<std::mutex>& lock);
    void check_space();
    Result<PreparedSegment> make_segment(std::uint64_t id);

    const JournalOptions& options_;
    SegmentList& segments_;
    std::atomic<bool> has_space_{true};

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<PreparedSegment> prepared_;  // guarded by mutex_, as all below
    std::optional<Error> prepare_error_;
    std::chrono::steady_clock::time_point prepare_again_at_{};  // after an error
    std::deque<SegmentPtr> to_seal_, not_sealed_;  // the second after an error: others go first
    std::chrono::steady_clock::time_point seal_again_at_{};  // after an error
    milliseconds seal_pause_;                                // grows with each
    std::string space_detail_;
    std::uint64_t next_id_;
    bool grouping_wanted_ = false;
    bool stopping_ = false;

    SegmentGrouping grouping_;  // of the thread

    std::thread thread_;  // last: uses everything above
};

}  // namespace bus::embedded
