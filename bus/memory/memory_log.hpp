// The log in memory, for tests: everything log.hpp promises but to outlive the process, and a fault
// plan. Appends are answered by one thread of its own, duplicates are exact.
#pragma once

#include "bus/log.hpp"
#include "bus/slots.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace bus::memory {

struct MemoryLogOptions {
    PartitionId partitions = 8;
    std::size_t record_bytes_max = 16u << 20;  // key, headers and value; more is too_large
    std::size_t log_bytes_max = 0;             // more is refused as unavailable; 0 = no bound
};

// What shall go wrong. Any thread, at any time; calls count from the moment of asking, 1 = the
// next.
class FaultPlan {
public:
    void fail_append(std::uint64_t nth, Error error);
    void fail_read(std::uint64_t nth, Error error);  // poll() and read_at()
    void delay_appends(microseconds delay);          // before each durability point

    std::optional<Error> next_append();  // for the log: the fault of this call, if any
    std::optional<Error> next_read();
    microseconds delay() const;

private:
    mutable std::mutex mutex_;
    std::uint64_t appends_ = 0, reads_ = 0;  // guarded by mutex_, as all below
    std::map<std::uint64_t, Error> append_faults_, read_faults_;
    microseconds delay_{0};
};

struct StoredRecord {
    std::string key;
    Headers headers;
    std::string value;  // padded; value_bytes of it count
    std::size_t value_bytes = 0;
    bool tombstone = false;
    bool erased = false;
    EventId id;
};

class MemoryLog final : public Log {
public:
    explicit MemoryLog(MemoryLogOptions options = {});
    ~MemoryLog() override;

    FaultPlan& faults() { return faults_; }

    // Between hold_syncs() and release_syncs() nothing becomes durable: appended records wait.
    void hold_syncs();
    void release_syncs();
    std::size_t waiting() const;  // how many, while syncs are held
    // As after a power cut: what waits is refused as unavailable and not remembered.
    void lose_unsynced_tail();

    PartitionId partitions() const override { return options_.partitions; }
    std::string_view engine() const override { return "memory"; }
    void append(NewRecord record, AppendDone done) override;
    Result<std::unique_ptr<Reader>> open_reader(const ReaderOptions& options) override;
    Result<OwnedRecord> read_at(const Address& address) override;
    Result<Offset> start_offset(TopicPartition where) override;
    Result<Offset> end_offset(TopicPartition where) override;
    Result<Erasure> erase(std::span<const Address> addresses) override;
    std::uint64_t rewrites() const override { return rewrites_; }
    LogStatus status() const override;
    void close() override;

private:
    friend class MemoryReader;
    using Stored = std::shared_ptr<const StoredRecord>;  // shared with the batches that show it

    struct Waiting {
        NewRecord record;
        AppendDone done;
        std::optional<Error> refused;  // decided when it came
    };
    struct Seen {
        Address address;
        EventId id;
        Timestamp until{};
    };
    struct DedupHash {
        std::size_t operator()(const DedupKey& key) const {
            std::size_t h;
            __builtin_memcpy(&h, key.bytes.data(), sizeof h);
            return h;
        }
    };
    struct Listener {
        const void* reader;
        Signal* signal;
    };

    void run();
    void settle(std::deque<Waiting> waiting);
    Result<Appended> store(Waiting& waiting);
    std::optional<Error> check(const NewRecord& record) const;
    Stored find(TopicPartition where, Offset offset) const;
    void notify_readers();

    const MemoryLogOptions options_;
    const Slots slots_;
    FaultPlan faults_;

    std::atomic<std::uint64_t> rewrites_{0};
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Waiting> waiting_;               // guarded by mutex_, as all below
    std::vector<std::vector<Stored>> records_;  // by slot
    std::unordered_map<DedupKey, Seen, DedupHash> seen_;
    std::vector<Listener> listeners_;
    std::size_t stored_bytes_ = 0;
    bool held_ = false, closing_ = false, full_ = false;

    std::thread thread_;  // last: uses everything above
};

}  // namespace bus::memory
