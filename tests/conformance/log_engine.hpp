// A log engine under test, and the records and waits that its checks share.
#pragma once

#include "bus/envelope.hpp"
#include "bus/log.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <map>
#include <set>
#include <thread>

namespace tests::conformance {

using namespace bus;
using namespace std::chrono_literals;

struct Engine {
    // A new, empty log.
    std::function<std::unique_ptr<Log>()> create;
    // Closes the log and opens what it stored; unset where nothing outlives the process.
    std::function<std::unique_ptr<Log>(std::unique_ptr<Log>)> reopen;
    // A log that soon refuses appends for want of room; unset where that cannot be arranged.
    std::function<std::unique_ptr<Log>()> create_small;
    bool exact_dedup = true;
    bool erases = true;          // bodies can be taken out again
    bool journal_order = false;  // a reader sees all topics in the order of appending
    Durability durability = Durability::memory;
    std::size_t too_large_bytes = 64u << 20;  // a value that no record may have
    milliseconds wait_max{10'000};
    PartitionId partitions = 4;
};

inline constexpr Timestamp first_time{seconds{1'760'000'000}};

inline EventId id_number(std::uint64_t n) {
    EventId id;
    for (std::size_t i = 0; i < 8; ++i) id.bytes[15 - i] = static_cast<std::uint8_t>(n >> (8 * i));
    return id;
}

inline NewRecord record_of(Topic topic, PartitionId partition, std::uint64_t number,
                           std::string value) {
    NewRecord record;
    record.topic = topic;
    record.partition = partition;
    record.key = "tnt_x";
    record.value = std::move(value);
    record.headers.add(header::id, to_string(id_number(number)));
    record.headers.add(header::type, raw_event_type);
    record.ingest_time = first_time;
    return record;
}

inline DedupKey dedup_number(std::uint64_t n) {
    DedupKey key;
    n *= 0x9E3779B97F4A7C15u;  // real keys are hashes: spread
    for (std::size_t i = 0; i < 16; ++i)
        key.bytes[i] = static_cast<std::uint8_t>((n >> (i % 8 * 8)) + i);
    return key;
}

inline NewRecord copy_of(std::uint64_t key, std::uint64_t id, seconds later) {
    NewRecord record = record_of(Topic::chat, 0, id, "body " + std::to_string(id));
    record.dedup = dedup_number(key);
    record.ingest_time = first_time + later;
    record.dedup_window = seconds{60};
    return record;
}

inline Appended must_append(Log& log, NewRecord record, milliseconds wait_max) {
    auto appended = append_and_wait(log, std::move(record), wait_max);
    REQUIRE_MESSAGE(appended.has_value(), (appended ? "" : appended.error().message));
    return *appended;
}

inline std::unique_ptr<Reader> must_read(Log& log, ReaderOptions options) {
    auto reader = log.open_reader(options);
    REQUIRE_MESSAGE(reader.has_value(), (reader ? "" : reader.error().message));
    return std::move(*reader);
}

inline TopicSet only(std::initializer_list<Topic> topics) {
    TopicSet set;
    for (Topic topic : topics) set.set(index(topic));
    return set;
}

// Polls until `count` records came or the time is over.
inline std::vector<OwnedRecord> collect(Reader& reader, std::size_t count, milliseconds wait_max) {
    std::vector<OwnedRecord> out;
    const auto deadline = std::chrono::steady_clock::now() + wait_max;
    while (out.size() < count && std::chrono::steady_clock::now() < deadline) {
        auto batch = reader.poll(64, 1u << 20);
        REQUIRE_MESSAGE(batch.has_value(), (batch ? "" : batch.error().message));
        for (const RecordView& view : batch->records)
            out.push_back({view.address, std::string(view.key),
                           Headers::from_bytes(std::string(view.headers.bytes())),
                           std::string(view.value), view.tombstone});
        if (batch->empty()) std::this_thread::sleep_for(1ms);
    }
    return out;
}

}  // namespace tests::conformance
