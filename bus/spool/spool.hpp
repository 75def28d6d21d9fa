// Events on the local disk that another log has not taken yet, in order per topic partition: a
// journal of its own, given up for a fresh one whenever all of it has been forwarded.
//
// DIR/N/ is the journal, N counting up. While a fresh one is made there are two, of which the older
// is forwarded whole or the younger is empty. DIR/N.given-up/ is on its way out. Nothing is lost by
// kill -9 or a power cut: what append() answered is synced, and marks of what was forwarded are at
// most a moment old, so that records may be forwarded twice, which the log's readers know how to
// take.
#pragma once

#include "bus/embedded/journal.hpp"
#include "bus/spool/rests.hpp"
#include "bus/spool/spool_marks.hpp"

#include <atomic>
#include <shared_mutex>

namespace bus::spool {

struct SpoolOptions {
    std::filesystem::path directory;
    PartitionId partitions = 8;
    std::uint64_t bytes_max = 1u << 30;  // appended since it was empty; more is refused
    std::uint64_t segment_bytes = 32u << 20;
    std::uint64_t reserve_bytes = 256u << 20;  // free space that is left to others
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
    Signal& arrived() { return arrived_; }

    // By one thread, as all below. What comes next in a topic partition, as Reader::poll().
    Result<RecordBatch> next(TopicPartition where, std::size_t records_max, std::size_t bytes_max);
    void forwarded(const Address& address);  // in order in its topic partition
    void rewind(TopicPartition where);       // next() begins again behind what was forwarded
    Result<Done> save_marks();
    // Gives the space back. False when something waits.
    Result<bool> clear();
    void close();  // settles what is being appended; idempotent

private:
    explicit Spool(const SpoolOptions& options);
    struct Store {
        std::uint64_t number = 0;
        std::unique_ptr<embedded::Journal> journal;
        std::vector<std::unique_ptr<Reader>> readers;  // by slot; none: to be opened
    };
    std::filesystem::path directory_of(std::uint64_t number) const;
    Result<std::vector<std::uint64_t>> numbers() const;
    Result<std::unique_ptr<Store>> open_store(std::uint64_t number) const;
    Result<Done> take_store(std::unique_ptr<Store> store);
    Result<Done> adopt();
    Result<std::unique_ptr<Reader>> open_reader(TopicPartition where);
    void remove(std::uint64_t number) const;
    void remove_files(const std::filesystem::path& directory) const;
    void remove_given_up() const;

    const SpoolOptions options_;
    const Slots slots_;
    std::vector<std::atomic<std::uint64_t>> waiting_;  // records, by slot
    std::atomic<std::uint64_t> records_{0}, bytes_{0};
    Signal arrived_;
    Marks marks_;  // of the forwarding thread
    bool marks_saved_ = true;
    std::shared_mutex store_mutex_;  // exclusively: to give one up for a fresh one
    std::unique_ptr<Store> store_;   // guarded; the pointer changes under both
};

}  // namespace bus::spool
