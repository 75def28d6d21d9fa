// What one record costs in the journal: bench_journal [DIRECTORY] [RECORDS] [OUTSTANDING] [hint]
//
// One thread appends 1.5 KB records with a dedup key and keeps OUTSTANDING of them in flight, as
// that many connections would. Prints CPU microseconds per record of the whole process, records a
// second, the sizes of commit groups, and how long the journal takes to open again.
#include "bus/embedded/journal.hpp"
#include "bus/envelope.hpp"
#include "tools/bench/process_use.hpp"

#include <atomic>
#include <condition_variable>
#include <random>

namespace {

using namespace bus;
using Instant = std::chrono::steady_clock::time_point;

double since(Instant start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Headers typical_headers() {
    Headers headers;
    headers.add(header::spec_version, "1.0");
    headers.add(header::id, to_string(EventId{}));
    headers.add(header::source, "src_0000000000001");
    headers.add(header::type, raw_event_type);
    headers.add(header::time, "2026-11-21T05:54:38.123456Z");
    headers.add(header::tenant, "tnt_0000000000001");
    headers.add(header::ingest_time, "2026-11-21T05:54:38.123456Z");
    headers.add(header::content_type, "application/json");
    headers.add(header::dedup, "00112233445566778899aabbccddeeff");
    return headers;
}

// Free places for appends, as connections are; the last one to answer wakes the appender.
struct CallerSlots {
    explicit CallerSlots(std::size_t count) : free(count), all(count) {}
    std::size_t take_all() {
        std::unique_lock lock(mutex);
        changed.wait(lock, [this] { return free > 0; });
        return std::exchange(free, 0);
    }
    void give() {
        std::lock_guard lock(mutex);
        if (++free == 1 || free == all) changed.notify_one();
    }
    void wait_for_all() {
        std::unique_lock lock(mutex);
        changed.wait(lock, [this] { return free == all; });
    }
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t free, all;
};

}  // namespace

int main(int argc, char** argv) {
    const std::filesystem::path directory = argc > 1 ? argv[1] : "/tmp/tributary-bench-journal";
    const std::size_t records = argc > 2 ? std::stoull(argv[2]) : 1'000'000;
    std::uint64_t told = 0;  // some more: places are taken many at a time
    const std::size_t outstanding = argc > 3 ? std::stoull(argv[3]) : 128;
    const bool hint = argc > 4 && argv[4] == std::string_view{"hint"};
    std::filesystem::remove_all(directory);
    embedded::JournalOptions options{.directory = directory};
    if (argc > 5) options.segment_bytes = std::stoull(argv[5]) << 20;
    {
        auto journal = embedded::Journal::open(options);
        if (!journal) {
            fmt::print(stderr, "{}\n", journal.error().message);
            return 1;
        }
        if (hint) (*journal)->set_active_callers(outstanding);
        const Headers headers = typical_headers();
        const std::string body(1500, 'b');
        std::mt19937_64 random(42);
        CallerSlots slots(outstanding);
        std::atomic<std::size_t> failed{0};
        const Timestamp now = system_clock().now();

        const Instant started = std::chrono::steady_clock::now();
        const double cpu_before = bench::cpu_seconds();
        for (std::size_t sent = 0; sent < records;) {
            for (std::size_t n = slots.take_all(); n > 0; --n, ++sent) {
                NewRecord record;
                record.topic = Topic::chat;
                record.partition = static_cast<PartitionId>(sent % 8);
                record.key = "tnt_0000000000001";
                record.headers = headers;
                record.value = body;
                record.dedup.emplace();
                const std::uint64_t halves[2] = {random(), random()};
                std::memcpy(record.dedup->bytes.data(), halves, sizeof halves);
                record.ingest_time = now;
                (*journal)->append(std::move(record), [&](const Result<Appended>& result) {
                    if (!result) ++failed;
                    slots.give();
                });
            }
        }
        slots.wait_for_all();
        const double took = since(started), cpu = bench::cpu_seconds() - cpu_before;
        const auto n = static_cast<double>(records);
        const embedded::JournalStats stats = (*journal)->stats();
        told = stats.records;
        fmt::print(
            "what=append records={} failed={} cpu_us_per_record={:.2f} records_per_second={:.0f}\n",
            stats.records, failed.load(), cpu / n * 1e6, n / took);
        fmt::print("groups={} mean_group={:.1f} key_sources={} max_rss_mib={:.0f}\n", stats.groups,
                   static_cast<double>(stats.records) / static_cast<double>(stats.groups),
                   stats.key_sources, static_cast<double>(bench::rss_mib_max()));
        for (std::size_t i = 0; i < stats.groups_of.size(); ++i)
            if (stats.groups_of[i] > 0)
                fmt::print("groups_of_{}_to_{}={}\n", 1u << i, (2u << i) - 1, stats.groups_of[i]);
    }
    const Instant started = std::chrono::steady_clock::now();
    auto journal = embedded::Journal::open(options);
    const double opened = since(started);
    if (!journal) return 1;
    auto first = (*journal)->read_at({Topic::chat, 0, 0});
    fmt::print("reopen_ms={:.0f} first_read_ms={:.0f} max_rss_mib={:.0f}\n", opened * 1e3,
               since(started) * 1e3, static_cast<double>(bench::rss_mib_max()));

    // All of it again from the files, one partition after the other.
    const Instant read_started = std::chrono::steady_clock::now();
    const double cpu_before = bench::cpu_seconds();
    std::size_t read = 0;
    for (PartitionId p = 0; p < 8; ++p) {
        auto reader = (*journal)->open_reader({.partition = p, .topics = partitioned_topic_set()});
        if (!reader) return 1;
        while (true) {
            auto batch = (*reader)->poll(512, 4u << 20);
            if (!batch || batch->empty()) break;
            read += batch->records.size();
        }
    }
    fmt::print(
        "what=read records={} cpu_us_per_record={:.2f} records_per_second={:.0f} checker={}\n",
        read, (bench::cpu_seconds() - cpu_before) / static_cast<double>(read) * 1e6,
        static_cast<double>(read) / since(read_started), read == told ? "passed" : "FAILED");
    journal->reset();
    std::filesystem::remove_all(directory);
    return first ? 0 : 1;
}
