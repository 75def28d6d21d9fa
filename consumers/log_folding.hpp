// Reads one partition of the log and folds it into rows: poll, map, fold, one atomic write of rows
// and position. The same for the live rows and for generations that are built beside them.
//
// A failed step leaves nothing behind: rows in memory are forgotten and reading starts again at the
// target's position, so it may simply be called again. Threads: one at a time.
#pragma once

#include "consumers/record_folding.hpp"

namespace consumers {

// Where folded rows go, together with the position that they are true at.
class FoldTarget : public projections::CommittedRows {
public:
    virtual bus::Position position() const = 0;
    virtual bus::Result<bus::Done> commit(const std::vector<projections::store::StoreWrite>& writes,
                                          const bus::Position& position) = 0;

    std::optional<std::string> get(projections::Table table, std::string_view key) final;
    // A read that failed is told when the batch ends.
    std::optional<bus::Error> take_failure() { return std::exchange(failure_, std::nullopt); }

protected:
    virtual bus::Result<std::optional<std::string>> read(std::uint8_t table,
                                                         std::string_view key) = 0;

private:
    std::optional<bus::Error> failure_;
};

// Why a step failed: reading the log is another matter than reading or writing rows.
enum class FoldFailure : std::uint8_t { none, log, rows_read, rows_write };

class LogFolding {
public:
    struct Options {
        std::size_t batch_records_max = 512;
        // Of one that is far behind, when that is more: hot rows are then written less often. Close
        // to the end short batches let nobody wait.
        std::size_t behind_records_max = 0;
        std::size_t batch_bytes_max = 4 << 20;
        std::size_t cached_rows_max = 20'000;
    };
    // `more` is notified when step() may find records. `setup`, `target` and `more` outlive this.
    LogFolding(const ProjectorSetup& setup, bus::PartitionId partition, std::vector<Feed> feeds,
               projections::InstanceId dedup, FoldTarget& target, bus::Signal& more,
               const Options& options);

    // Applies whatever is there, one batch at most, and gives how many records; 0 = none yet.
    bus::Result<std::size_t> step();
    // The same, but nothing at or past `end`; 0 = all that is before it is applied, and the
    // target's position is `end`, which is not before where it was.
    bus::Result<std::size_t> step_until(const bus::Position& end);
    void forget();

    FoldFailure failure() const { return failure_; }  // of the last step
    std::chrono::nanoseconds commit_took() const { return commit_took_; }
    RecordFolding& records() { return records_; }

private:
    bus::Result<std::size_t> read_and_apply();
    bus::Result<bus::TopicSet> unread_topics();
    bus::Result<std::size_t> skip_to(const bus::Position& end);
    bus::Result<bus::Done> open_reader();
    bus::Result<std::size_t> apply(const bus::RecordBatch& records);
    bus::Result<bus::Done> commit(const bus::Position& position);
    bool is_past_end(const bus::Address& address) const;
    std::size_t records_to_read() const;

    const ProjectorSetup& setup_;
    const bus::PartitionId partition_;
    const Options options_;
    FoldTarget& target_;
    bus::Signal& more_;
    RecordFolding records_;
    std::unique_ptr<bus::Reader> reader_;  // null = to be opened at the target's position
    std::size_t full_reads_ = 0;           // one after the other
    std::optional<bus::Position> end_;     // of step_until()
    FoldFailure failure_ = FoldFailure::none;
    std::chrono::nanoseconds commit_took_{0};
};

}  // namespace consumers
