// Events on the local disk that another log has not taken yet, in order per topic partition:
// pieces, each a journal of its own. A piece that is full is left for a fresh one, and given up
// once all of it has been forwarded: so room comes back while others still wait.
//
// DIR/N/ is a piece, N counting up; what comes is appended to the last one. DIR/N.given-up/ is on
// its way out. Nothing is lost by kill -9 or a power cut: what append() answered is synced, and
// marks of what was forwarded are at most a moment old, so that records may be forwarded twice,
// which the log's readers know how to take. Copies are noticed within a piece.
#pragma once

#include "bus/spool/rests.hpp"
#include "bus/spool/spool_piece.hpp"

#include <deque>
#include <shared_mutex>

namespace bus::spool {

struct SpoolOptions {
    std::filesystem::path directory;
    PartitionId partitions = 8;
    std::uint64_t bytes_max = 1u << 30;  // in pieces that are not forwarded; more is refused
    std::uint64_t segment_bytes = 32u << 20;
    std::uint64_t reserve_bytes = 256u << 20;  // free space that is left to others
    milliseconds silence_max{1'000};  // about one record, before what comes behind it waits
    RestOptions rests{};
    milliseconds answers_wait_max{10'000};  // of records that were given up on their way
    Clock* clock = &system_clock();
    embedded::FileOps* files = &embedded::real_files();
};

class Spool {
public:
    // What an earlier process left is there again. Errors as Journal::open().
    static Result<std::unique_ptr<Spool>> open(const SpoolOptions& options);
    ~Spool();

    // Any thread. Answers `local` and no position. unavailable: full.
    void append(NewRecord record, AppendDone done);

    // Not forwarded yet; those being appended count. Any thread.
    bool holds(TopicPartition where) const {
        return waiting_[slots_[where]].load(std::memory_order_acquire) > 0;
    }
    const SpoolOptions& options() const { return options_; }
    PartitionId partitions() const { return options_.partitions; }
    std::uint64_t records() const { return records_.load(std::memory_order_acquire); }
    std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
    std::uint64_t bytes_max() const { return options_.bytes_max; }
    bool has_room() const { return !full_.load() && bytes() < options_.bytes_max; }
    Signal& arrived() { return arrived_; }

    // By one thread, as all below. What comes next in a topic partition, as Reader::poll(); its
    // offsets are those of a piece.
    Result<RecordBatch> next(TopicPartition where, std::size_t records_max, std::size_t bytes_max);
    void forwarded(TopicPartition where);  // one more record, in order
    void rewind(TopicPartition where);     // next() begins again behind what was forwarded
    Result<Done> save_marks();
    // Gives up what was forwarded whole, and begins a fresh piece behind one that is full.
    Result<Done> keep_house();
    // Gives all the space back. False when something waits.
    Result<bool> clear();
    void close();  // settles what is being appended; idempotent

private:
    explicit Spool(const SpoolOptions& options);
    std::filesystem::path directory_of(std::uint64_t number) const;
    Result<std::vector<std::uint64_t>> numbers() const;
    Result<std::unique_ptr<Piece>> open_piece(std::uint64_t number) const;
    Result<Done> adopt();
    bool take_room(std::uint64_t bytes);
    bool wants_fresh_piece() const;
    Result<Done> begin_piece();
    void give_up_forwarded();
    void remove(std::uint64_t number) const;
    void remove_files(const std::filesystem::path& directory) const;
    void remove_given_up() const;

    const SpoolOptions options_;
    const Slots slots_;
    std::vector<std::atomic<std::uint64_t>> waiting_;  // records, by slot
    std::atomic<std::uint64_t> records_{0}, bytes_{0};
    std::atomic<bool> full_{false};  // for all, until room comes back
    Signal arrived_;
    std::vector<std::uint64_t> reading_;  // by slot: the piece that next() reads
    std::chrono::steady_clock::time_point next_begin_{};
    std::shared_mutex pieces_mutex_;  // exclusively: by the forwarding thread, to change pieces_
    std::deque<std::unique_ptr<Piece>> pieces_;  // oldest first, never empty
};

}  // namespace bus::spool
