// One of the journals that a spool consists of, and how far each topic partition of it has been
// forwarded. Threads: as it says; the forwarding thread is one.
#pragma once

#include "bus/embedded/journal.hpp"
#include "bus/spool/spool_marks.hpp"

#include <atomic>

namespace bus::spool {

class Piece {
public:
    // What is there is counted. Errors as Journal::open(), and corrupt: marks that cannot be read.
    static Result<std::unique_ptr<Piece>> open(std::uint64_t number,
                                               const embedded::JournalOptions& options);

    std::uint64_t number() const { return number_; }
    // Any thread, as all until it says otherwise.
    void append(NewRecord record, AppendDone done);
    std::uint64_t bytes() const {
        return bytes_.load(std::memory_order_relaxed);
    }  // appended to it
    // Not forwarded yet; those being appended count.
    std::uint64_t records() const { return records_.load(std::memory_order_acquire); }
    // All that was appended can be read, or was refused.
    bool is_settled() const { return appending_.load(std::memory_order_acquire) == 0; }
    void close() { journal_->close(); }

    // By the forwarding thread, as all below.
    std::uint64_t waiting(TopicPartition where) const;  // that can be read and are not forwarded
    Result<RecordBatch> next(TopicPartition where, std::size_t records_max, std::size_t bytes_max);
    void forwarded(TopicPartition where);  // one more, in order
    void rewind(TopicPartition where);     // next() begins again behind what was forwarded
    Result<Done> save_marks();

private:
    Piece(std::uint64_t number, PartitionId partitions) : number_(number), slots_(partitions) {}
    Result<Done> take(const embedded::JournalOptions& options);

    const std::uint64_t number_;
    const Slots slots_;
    Marks marks_;
    bool marks_saved_ = true;
    std::atomic<std::uint64_t> bytes_{0}, records_{0}, appending_{0};
    std::unique_ptr<embedded::Journal> journal_;    // its threads use what stands above
    std::vector<std::unique_ptr<Reader>> readers_;  // by slot; none: to be opened
};

// What a record takes of a spool's room.
std::uint64_t bytes_of(const NewRecord& record);

}  // namespace bus::spool
