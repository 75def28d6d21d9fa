// The log: what every engine (embedded journal, Kafka, memory) promises.
//
// Order is kept inside a topic's partition. A record is visible to readers, to duplicate answers
// and to end offsets only once it is durable. Nothing outside bus/ knows which engine it runs on.
#pragma once

#include "bus/headers.hpp"
#include "bus/log_proof.hpp"
#include "bus/position.hpp"
#include "bus/record_range.hpp"
#include "bus/signal.hpp"

#include <bitset>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace bus {

// What an acknowledgement means (ARCHITECTURE.md, law 1).
enum class Durability : std::uint8_t { fsynced, replicated, one_broker, local, memory };
std::string_view name(Durability durability);

// Keyed fingerprint of what makes a request the same request.
struct DedupKey {
    std::array<std::uint8_t, 16> bytes{};
    auto operator<=>(const DedupKey&) const = default;
};

struct NewRecord {
    Topic topic = Topic::email;
    PartitionId partition = 0;
    std::string key;  // tenant id text, or the compaction key
    Headers headers;  // must hold header::id when `dedup` is set
    std::string value;
    bool tombstone = false;  // value is null: deletes `key` in a compacted topic

    // Same key inside the window = duplicate: nothing is appended, the first record is answered.
    // Look-up and append are one step. Exact in the journal, best effort with Kafka.
    std::optional<DedupKey> dedup;
    Timestamp ingest_time{};
    seconds dedup_window{7 * 24 * 3600};

    // A copy of another log's record: it is appended at this offset, seen before or not, or refused
    // (conflict) when that is not the next one. So a copier may have many on their way: behind one
    // that is refused no other gets its place. One copier at a time.
    std::optional<Offset> at{};
};

struct Appended {
    Address address;  // of the record, or of the first one when this is a duplicate
    EventId id;       // its header::id
    bool duplicate = false;
    Durability durability = Durability::memory;
    Position position;  // a reader that covers it has seen the record; zero elsewhere is allowed
};

// Called exactly once, on a thread of the log; must not block. Errors: unavailable (disk or broker
// cannot take it: answer 503; the record is not remembered as seen), too_large, cancelled.
using AppendDone = std::function<void(Result<Appended>)>;

struct RecordView {
    Address address;
    std::string_view key;
    HeadersView headers;
    std::string_view value;  // readable for 64 bytes past its end (simdjson padding)
    bool tombstone = false;
    bool erased = false;    // the body is gone for good; `value` is empty
    bool expired = false;   // it is retention that took it; `erased` is set too
    bool unhashed = false;  // the record carries no hash of its body (Kafka, older builds)
};

struct RecordBatch {
    std::vector<RecordView> records;
    // Keeps the bytes behind the views alive. shared_ptr: a batch may point into a shared buffer.
    std::shared_ptr<const void> storage;
    bool empty() const { return records.empty(); }
};

struct OwnedRecord {
    Address address;
    std::string key;
    Headers headers;
    std::string value;
    bool tombstone = false;
    bool erased = false;
    bool expired = false;
};

using TopicSet = std::bitset<topic_count>;
TopicSet partitioned_topic_set();

struct ReaderOptions {
    PartitionId partition = 0;
    TopicSet topics{};  // control, keys and nodes are read with partition 0
    // Next offset per topic, by index(topic).
    std::array<Offset, topic_count> from{};
    // Notified when poll() may have more. Must outlive the reader.
    Signal* signal = nullptr;
};

// Reads one partition index over several topics. Order is kept inside each topic; between topics
// any interleaving may come. Used by one thread at a time.
class Reader {
public:
    virtual ~Reader() = default;
    // Never blocks for new records; an empty batch means none yet. At most `records_max` records
    // and, beyond the first, about `bytes_max` bytes. Errors: gone (retention has passed us),
    // corrupt (a gap or a bad checksum: stop), unavailable.
    virtual Result<RecordBatch> poll(std::size_t records_max, std::size_t bytes_max) = 0;
};

struct LogStatus {
    bool accepting = false;
    std::string detail;  // why not, and what to do
};

struct Erasure {
    std::uint64_t erased = 0;  // bodies that are gone, those of an earlier call included
    std::uint64_t gone = 0;    // records that retention has dropped
    std::uint64_t kept = 0;    // bodies that this engine cannot take out
    std::string remark;        // why, and until when
};

struct ExpiryOptions {
    bool dry_run = false;
    // Called between pieces of work with the records looked at since; false = cancelled.
    std::function<bool(std::uint64_t records)> go_on = [](std::uint64_t) { return true; };
};

// A file that keeps what expired of it, as it is damaged beyond single bodies.
struct KeptExpired {
    std::string why;                  // names the file
    std::vector<RecordRange> ranges;  // what of those asked for; again it is only these
};

struct Expiry {
    std::uint64_t records = 0;                        // that lost their body now, or would
    std::uint64_t body_bytes = 0;                     // of these
    std::uint64_t segments = 0;                       // files written anew
    std::uint64_t bytes_before = 0, bytes_after = 0;  // of these files
    std::vector<KeptExpired> damaged;
};

class Log {
public:
    virtual ~Log() = default;

    virtual PartitionId partitions() const = 0;
    virtual std::string_view engine() const = 0;  // "embedded", "kafka", "memory"

    // Any thread, never blocks for the disk. Records that one thread appends to one topic partition
    // keep their order; behind a spool only where each waits for the answer to the one before.
    virtual void append(NewRecord record, AppendDone done) = 0;

    virtual Result<std::unique_ptr<Reader>> open_reader(const ReaderOptions& options) = 0;
    virtual Result<OwnedRecord> read_at(const Address& address) = 0;  // not_found, gone, corrupt

    // First offset kept and next offset to be written, as visible to readers.
    virtual Result<Offset> start_offset(TopicPartition where) = 0;
    virtual Result<Offset> end_offset(TopicPartition where) = 0;
    Result<Position> end_position(PartitionId partition);

    // Proves what is visible now, beside those who write and read. Damage stands in the proof; an
    // error means that it could not be told: cancelled, unavailable.
    virtual Result<LogProof> verify(const VerifyOptions& options);

    // Blanks the bodies of records for good: where the engine can, their bytes are gone from the
    // disk when this returns, and readers see `erased`. Order, keys, headers and proofs stay. Safe
    // to repeat: after an error or a crash call it again with the same addresses. Errors:
    // not_found (nothing was done), unavailable, corrupt.
    virtual Result<Erasure> erase(std::span<const Address> addresses);

    // Takes the bodies of expired records out and gives their room back to the disk. Readers see
    // them as `erased` and `expired`; order, keys, headers and proofs stay. Safe to repeat, also
    // after a crash. Damaged files keep what they have and are told. Only files that hold some of
    // the ranges, which may be several of one topic partition, are read. Errors: invalid_input
    // (this engine, or that topic, keeps everything), unavailable, cancelled.
    virtual Result<Expiry> expire(std::span<const RecordRange> ranges,
                                  const ExpiryOptions& options);

    // How often erase() and expire() began to take bodies out since the log was opened. Where two
    // answers are the same, what was read in between is what is there.
    virtual std::uint64_t rewrites() const { return 0; }

    virtual LogStatus status() const = 0;

    // Refuses what comes after with `cancelled`, settles what came before. Idempotent.
    virtual void close() = 0;
};

// Appends and waits at most `wait_max`. For commands and tools, not for the edge.
Result<Appended> append_and_wait(Log& log, NewRecord record, milliseconds wait_max);

// All records of a one-partition topic that are there now, in order. unavailable: read_wait.hpp.
Result<Done> read_to_end(Log& log, Topic topic, Offset from,
                         const std::function<Result<Done>(const RecordView&)>& visit);

}  // namespace bus
