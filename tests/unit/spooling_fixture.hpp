// A spool on a disk that can be full, before a log that can be away.
#pragma once

#include "bus/envelope.hpp"
#include "bus/spool/spooling_log.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/unit/spooling_away_log.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace spool_test {

using tests::eventually;

inline constexpr PartitionId partitions = 2;
inline const std::string long_text(40'000, '0');

// A real disk whose free space is as told, and where only so many files can be removed.
class LimitedDisk final : public embedded::FileOps {
public:
    Result<Done> make_directory(const Path& d) override { return real_.make_directory(d); }
    // A real one lists in any order.
    Result<std::vector<std::string>> list(const Path& d) override {
        auto names = real_.list(d);
        if (names) std::sort(names->begin(), names->end());
        return names;
    }
    Result<std::unique_ptr<embedded::File>> open(const Path& f) override { return real_.open(f); }
    Result<Done> create_zeroed(const Path& f, std::uint64_t bytes) override {
        return real_.create_zeroed(f, bytes);
    }
    Result<Done> rename(const Path& a, const Path& b) override { return real_.rename(a, b); }
    Result<Done> remove(const Path& f) override {
        if (!std::filesystem::exists(f)) return real_.remove(f);
        if (removals_left == 0) removal_refused = true;
        if (removal_refused) return fail(ErrorCode::unavailable, "cut off");
        --removals_left;
        return real_.remove(f);
    }
    Result<Done> sync_directory(const Path& d) override { return real_.sync_directory(d); }
    Result<std::uint64_t> free_bytes(const Path& d) override {
        return full ? std::uint64_t{0} : real_.free_bytes(d);
    }
    Result<std::unique_ptr<embedded::DirectoryLock>> lock(const Path& d) override {
        return real_.lock(d);
    }
    std::atomic<bool> full{false}, removal_refused{false};
    std::atomic<int> removals_left{1'000};

private:
    embedded::FileOps& real_ = embedded::real_files();
};

struct World {
    tests::TempDirectory folder;
    LimitedDisk disk;
    memory::MemoryLog memory{{.partitions = partitions}};
    Trouble trouble;
    std::atomic<bool>& away = trouble.away;
    AwayLog* target = nullptr;  // of the log
    std::unique_ptr<spool::SpoolingLog> log;
    std::uint64_t bytes_max = 64u << 20;
    milliseconds silence_max = 1h;
    std::atomic<int> taken{0}, refused{0};  // of those that were not waited for

    explicit World(std::uint64_t spool_bytes_max = 64u << 20) : bytes_max(spool_bytes_max) {
        open();
    }
    explicit World(milliseconds silence) : silence_max(silence) { open(); }

    void open() {
        spool::SpoolOptions options{.directory = folder.path() / "spool",
                                    .partitions = partitions,
                                    .bytes_max = bytes_max,
                                    .segment_bytes = 1u << 20,
                                    .reserve_bytes = 1,
                                    .silence_max = silence_max,
                                    .rests = {.pause_min = 10ms, .pause_max = 50ms},
                                    .answers_wait_max = 1s,
                                    .files = &disk};
        auto away_log = std::make_unique<AwayLog>(memory, trouble);
        target = away_log.get();
        auto opened = spool::SpoolingLog::open(std::move(away_log), options);
        REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().message));
        log = *std::move(opened);
    }
    static NewRecord record(int number, Topic topic = Topic::chat, PartitionId partition = 0) {
        NewRecord record;
        record.topic = topic;
        record.partition = partition;
        record.key = "tenant";
        record.value = std::to_string(number);
        record.headers.add(header::id, fmt::format("00000000-0000-7000-8000-{:012}", number));
        return record;
    }
    static NewRecord with_key(int number) {
        NewRecord keyed = record(number);
        keyed.dedup.emplace();
        keyed.dedup->bytes[0] = static_cast<std::uint8_t>(number);
        keyed.headers.add(header::dedup, fmt::format("{:02x}{:030}", number, 0));
        keyed.ingest_time = system_clock().now();
        keyed.headers.add(header::ingest_time, to_iso(keyed.ingest_time));
        return keyed;
    }
    Result<Appended> say(int number, Topic topic = Topic::chat, PartitionId partition = 0) {
        return append_and_wait(*log, record(number, topic, partition), wait_max);
    }
    // Not waited for.
    void begin_to_say(int number, Topic topic = Topic::chat) {
        log->append(record(number, topic),
                    [this](const Result<Appended>& appended) { ++(appended ? taken : refused); });
    }
    Result<Appended> say_long(int number, Topic topic = Topic::chat, PartitionId partition = 0) {
        NewRecord long_one = record(number, topic, partition);
        long_one.value.insert(0, long_text);
        return append_and_wait(*log, std::move(long_one), wait_max);
    }
    std::filesystem::path piece(std::uint64_t number) const {
        return folder.path() / "spool" / std::to_string(number);
    }
    void wait_until_forwarded() const {
        REQUIRE(eventually([&] { return log->waiting() == 0; }));
    }
    std::vector<int> stored(Topic topic = Topic::chat, PartitionId partition = 0) {
        std::vector<int> numbers;
        for (Offset offset = 0;; ++offset) {
            const auto found = memory.read_at({topic, partition, offset});
            if (!found) return numbers;
            numbers.push_back(std::stoi(found->value));
        }
    }
};

inline std::vector<int> up_to(int count) {
    std::vector<int> numbers;
    for (int i = 0; i < count; ++i) numbers.push_back(i);
    return numbers;
}

}  // namespace spool_test
