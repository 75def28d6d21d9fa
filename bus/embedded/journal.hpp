// The journal: the log inside the process, durable at fdatasync (ARCHITECTURE.md, "The journal").
//
// Segments of fixed size hold all topics and partitions interleaved, so that a group of any mix
// costs one write and one sync. One committer thread writes; a keeper thread prepares the next
// segment, seals full ones and watches the disk's free space.
#pragma once

#include "bus/clock.hpp"
#include "bus/embedded/file_ops.hpp"
#include "bus/log.hpp"

namespace bus::embedded {

struct JournalOptions {
    std::filesystem::path directory;
    PartitionId partitions = 8;                // fixed at first start; another number is refused
    std::uint64_t segment_bytes = 128u << 20;  // of new segments; at least 64 KiB
    std::uint64_t reserve_bytes = 768u << 20;  // less free space on the disk stops admission
    std::uint64_t tail_cache_bytes = 48u << 20;
    std::size_t waiting_bytes_max = 64u << 20;  // queued for the committer; more is refused
    microseconds gather_max{500};               // how long a group may wait for company under load
    milliseconds space_check_interval{200};  // also before a segment is prepared, or sealed, again
    // Both outlive the journal.
    Clock* clock = &system_clock();
    FileOps* files = &real_files();
};

struct JournalStats {
    std::uint64_t groups = 0, records = 0, duplicates = 0, refused = 0, bytes_written = 0;
    // groups_of[i]: groups of 2^i to 2^(i+1) - 1 records.
    std::array<std::uint64_t, 20> groups_of{};
    std::size_t key_sources = 0;     // tables and filters that a key is looked up in
    std::size_t filters_of_one = 0;  // in memory, each of a single sealed segment
};

// Readers must be gone before the journal is. open_reader() answers corrupt for a start past the
// end: a store whose checkpoint lies there has seen what the log has not.
class Journal : public Log {
public:
    // Recovers what is there. Errors: conflict (another process owns it, or another number of
    // partitions), invalid_input (a format version this build does not read, named), corrupt
    // (nothing was changed), unavailable.
    static Result<std::unique_ptr<Journal>> open(JournalOptions options);

    // How many callers were active in the last 10 ms: under load a group waits until half of them
    // are parked in it. 0, the start, lets the journal guess. Any thread.
    virtual void set_active_callers(std::size_t callers) = 0;
    virtual JournalStats stats() const = 0;
};

// The largest key + headers + value that a segment of this size takes; more is too_large.
std::uint64_t record_bytes_max(std::uint64_t segment_bytes);

}  // namespace bus::embedded
