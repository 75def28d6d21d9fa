// What every log engine must do. An engine's executable names its abilities and calls run_all() in
// one test case; each check opens its own log.
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

inline void check_order(const Engine& engine) {
    constexpr std::size_t count = 500;
    std::atomic<std::size_t> answered{0}, in_order{0};
    Signal signal;
    auto log = engine.create();  // goes before what its answers touch
    for (std::size_t i = 0; i < count; ++i)
        log->append(record_of(Topic::chat, 1, i + 1, "value " + std::to_string(i)),
                    [&, i](Result<Appended> result) {
                        if (result && result->address == Address{Topic::chat, 1, i}) ++in_order;
                        ++answered;
                        signal.notify();
                    });
    for (auto seen = signal.count(); answered < count; seen = signal.wait(seen, 100ms)) {
    }
    CHECK(in_order == count);

    auto reader = must_read(*log, {.partition = 1, .topics = only({Topic::chat})});
    const auto records = collect(*reader, count, engine.wait_max);
    REQUIRE(records.size() == count);
    for (std::size_t i = 0; i < count; ++i) {
        CHECK(records[i].address.offset == i);
        CHECK(records[i].value == "value " + std::to_string(i));
    }
    CHECK(reader->poll(10, 1000)->empty());
}

inline void check_answer(const Engine& engine) {
    auto log = engine.create();
    const Appended first = must_append(*log, record_of(Topic::voice, 2, 77, "x"), engine.wait_max);
    CHECK(first.address == Address{Topic::voice, 2, 0});
    CHECK(first.id == id_number(77));
    CHECK_FALSE(first.duplicate);
    CHECK(first.durability == engine.durability);
    CHECK(first.position.partition == 2);
    CHECK(first.position[Topic::voice] <= 1);
    CHECK(log->status().accepting);
    CHECK(log->partitions() == engine.partitions);
}

// An answered record is there for readers, read_at and end offsets at once; the end offset never
// promises more than can be read.
inline void check_visibility(const Engine& engine) {
    auto log = engine.create();
    auto reader = must_read(*log, {.partition = 0, .topics = only({Topic::billing})});
    CHECK(reader->poll(10, 1000)->empty());
    for (std::uint64_t i = 0; i < 20; ++i) {
        const Appended one = must_append(
            *log, record_of(Topic::billing, 0, i + 1, std::to_string(i)), engine.wait_max);
        CHECK(*log->end_offset({Topic::billing, 0}) == one.address.offset + 1);
        auto read = log->read_at(one.address);
        REQUIRE(read.has_value());
        CHECK(read->value == std::to_string(i));
        CHECK(collect(*reader, 1, engine.wait_max).size() == 1);
    }
    CHECK(*log->start_offset({Topic::billing, 0}) == 0);
    CHECK(*log->end_offset({Topic::billing, 1}) == 0);
}

inline void check_contents(const Engine& engine) {
    auto log = engine.create();
    NewRecord record = record_of(Topic::keys, 0, 5, "");
    record.key = std::string("key \0 with zero", 15);
    record.tombstone = true;
    record.headers.add("h_x-binary", std::string("\0\xFF\r\n", 4));
    record.headers.add("h_x-empty", "");
    const Headers headers = record.headers;
    const Address at = must_append(*log, std::move(record), engine.wait_max).address;
    auto read = log->read_at(at);
    REQUIRE(read.has_value());
    CHECK(read->key == std::string("key \0 with zero", 15));
    CHECK(read->headers == headers);
    CHECK(read->tombstone);
    CHECK(read->value.empty());

    const Address empty =
        must_append(*log, record_of(Topic::facts, 0, 6, ""), engine.wait_max).address;
    CHECK_FALSE(log->read_at(empty)->tombstone);
    CHECK(log->read_at({Topic::facts, 0, 1}).error().code == ErrorCode::not_found);
    CHECK(log->read_at({Topic::facts, 999, 0}).error().code == ErrorCode::not_found);
}

inline void check_large_values(const Engine& engine) {
    auto log = engine.create();
    std::string large(1u << 20, 'x');
    for (std::size_t i = 0; i < large.size(); i += 97) large[i] = static_cast<char>(i);
    for (std::uint64_t i = 0; i < 5; ++i)
        must_append(*log, record_of(Topic::email, 0, i + 1, large + std::to_string(i)),
                    engine.wait_max);
    auto reader = must_read(*log, {.partition = 0, .topics = only({Topic::email})});
    auto batch = reader->poll(100, 1);
    for (int i = 0; batch && batch->empty() && i < 1000; ++i) {
        std::this_thread::sleep_for(5ms);
        batch = reader->poll(100, 1);
    }
    REQUIRE(batch.has_value());
    REQUIRE_MESSAGE(batch->records.size() == 1, "beyond the first record bytes_max counts");
    CHECK(batch->records[0].value == large + "0");
    volatile char sink = 0;
    for (std::size_t i = 0; i < 64; ++i)
        sink = sink + batch->records[0].value.data()[batch->records[0].value.size() + i];
    const auto rest = collect(*reader, 4, engine.wait_max);
    REQUIRE(rest.size() == 4);
    CHECK(rest[3].value == large + "4");
}

inline void check_limits(const Engine& engine) {
    auto log = engine.create();
    auto refused = append_and_wait(
        *log, record_of(Topic::email, 0, 1, std::string(engine.too_large_bytes, 'x')),
        engine.wait_max);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::too_large);
    refused =
        append_and_wait(*log, record_of(Topic::email, engine.partitions, 1, "x"), engine.wait_max);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::invalid_input);
    CHECK_FALSE(log->open_reader({.partition = engine.partitions, .topics = only({Topic::email})})
                    .has_value());
    CHECK_FALSE(log->end_offset({Topic::email, engine.partitions}).has_value());
    CHECK(*log->end_offset({Topic::email, 0}) == 0);
    // The log goes on as if nothing had been.
    CHECK(must_append(*log, record_of(Topic::email, 0, 2, "y"), engine.wait_max).address.offset ==
          0);
}

inline void check_several_topics(const Engine& engine) {
    auto log = engine.create();
    std::vector<Address> appended;
    for (std::uint64_t i = 0; i < 60; ++i) {
        const Topic topic = topic_at(i * 7 % partitioned_topics);
        appended.push_back(
            must_append(*log,
                        record_of(topic, static_cast<PartitionId>(i % 2), i + 1, std::to_string(i)),
                        engine.wait_max)
                .address);
    }
    must_append(*log, record_of(Topic::control, 0, 100, "control"), engine.wait_max);

    TopicSet topics = partitioned_topic_set();
    topics.set(index(Topic::control));
    auto reader = must_read(*log, {.partition = 1, .topics = topics});
    const auto records = collect(*reader, 31, engine.wait_max);
    REQUIRE(records.size() == 31);
    std::map<Topic, Offset> next;
    std::vector<Address> seen;
    for (const OwnedRecord& record : records) {
        CHECK(record.address.offset == next[record.address.topic]++);
        if (record.address.topic != Topic::control) CHECK(record.address.partition == 1);
        seen.push_back(record.address);
    }
    CHECK(next[Topic::control] == 1);
    if (!engine.journal_order) return;
    std::vector<Address> expected;
    for (const Address& address : appended)
        if (address.partition == 1) expected.push_back(address);
    expected.push_back({Topic::control, 0, 0});
    CHECK(seen == expected);
}

inline void check_reader_start(const Engine& engine) {
    auto log = engine.create();
    for (std::uint64_t i = 0; i < 10; ++i)
        must_append(*log, record_of(Topic::web, 3, i + 1, std::to_string(i)), engine.wait_max);
    ReaderOptions options{.partition = 3, .topics = only({Topic::web})};
    options.from[index(Topic::web)] = 7;
    auto reader = must_read(*log, options);
    const auto records = collect(*reader, 3, engine.wait_max);
    REQUIRE(records.size() == 3);
    CHECK(records[0].address.offset == 7);
    CHECK(records[2].value == "9");

    auto position = log->end_position(3);
    REQUIRE(position.has_value());
    CHECK((*position)[Topic::web] == 10);
    CHECK((*position)[Topic::chat] == 0);
}

inline void check_signal(const Engine& engine) {
    auto log = engine.create();
    Signal signal;
    auto reader = must_read(
        *log, {.partition = 0, .topics = only({Topic::chat}), .from = {}, .signal = &signal});
    CHECK(reader->poll(10, 1000)->empty());
    const std::uint64_t seen = signal.count();
    std::thread appender([&] {
        std::this_thread::sleep_for(20ms);
        log->append(record_of(Topic::chat, 0, 1, "x"), [](const Result<Appended>&) {});
    });
    const auto started = std::chrono::steady_clock::now();
    CHECK(signal.wait(seen, engine.wait_max) != seen);
    CHECK(std::chrono::steady_clock::now() - started < engine.wait_max);
    CHECK(collect(*reader, 1, engine.wait_max).size() == 1);
    appender.join();
}

inline void check_concurrency(const Engine& engine) {
    constexpr std::size_t writers = 3, each = 400;
    std::atomic<std::size_t> answered{0}, failed{0};
    Signal signal;
    auto log = engine.create();  // goes before what its answers touch
    std::vector<std::thread> threads;
    for (std::size_t w = 0; w < writers; ++w)
        threads.emplace_back([&, w] {
            for (std::size_t i = 0; i < each; ++i)
                log->append(record_of(i % 2 ? Topic::chat : Topic::email, 0, w * each + i + 1,
                                      std::to_string(w) + ":" + std::to_string(i)),
                            [&](const Result<Appended>& result) {
                                if (!result) ++failed;
                                ++answered;
                                signal.notify();
                            });
        });
    std::vector<std::vector<OwnedRecord>> read(2);
    for (auto& records : read)
        threads.emplace_back([&] {
            auto reader =
                log->open_reader({.partition = 0, .topics = only({Topic::chat, Topic::email})});
            if (!reader) return;
            const auto deadline = std::chrono::steady_clock::now() + 3 * engine.wait_max;
            while (records.size() < writers * each && std::chrono::steady_clock::now() < deadline) {
                auto batch = (*reader)->poll(50, 1u << 16);
                if (!batch) return;
                for (const RecordView& view : batch->records)
                    records.push_back({view.address, "", {}, std::string(view.value), false});
                if (batch->empty()) std::this_thread::yield();
            }
        });
    for (auto& thread : threads) thread.join();
    for (auto seen = signal.count(); answered < writers * each; seen = signal.wait(seen, 100ms)) {
    }
    CHECK(failed == 0);
    for (const auto& records : read) {
        REQUIRE(records.size() == writers * each);
        std::map<Topic, Offset> next;
        std::map<std::string, int> last;  // writer and topic: what it appended keeps its order
        std::size_t wrong = 0;
        for (const OwnedRecord& record : records) {
            if (record.address.offset != next[record.address.topic]++) ++wrong;
            const int number = std::stoi(record.value.substr(2));
            auto [it, fresh] = last.try_emplace(
                record.value.substr(0, 1) + std::string(short_name(record.address.topic)), -1);
            if (number <= it->second) ++wrong;
            it->second = number;
        }
        CHECK(wrong == 0);
    }
}

inline NewRecord copy_of(std::uint64_t key, std::uint64_t id, seconds later) {
    NewRecord record = record_of(Topic::chat, 0, id, "body " + std::to_string(id));
    record.dedup = dedup_number(key);
    record.ingest_time = first_time + later;
    record.dedup_window = seconds{60};
    return record;
}

inline void check_dedup(const Engine& engine) {
    auto log = engine.create();
    const Appended first = must_append(*log, copy_of(1, 11, 0s), engine.wait_max);
    const Appended second = must_append(*log, copy_of(1, 12, 59s), engine.wait_max);
    CHECK_FALSE(first.duplicate);
    CHECK(second.duplicate);
    CHECK(second.address == first.address);
    CHECK(second.id == id_number(11));
    CHECK(*log->end_offset({Topic::chat, 0}) == 1);

    const Appended after = must_append(*log, copy_of(1, 13, 60s), engine.wait_max);
    CHECK_MESSAGE(!after.duplicate, "the window is over");
    CHECK(after.address.offset == 1);
    const Appended again = must_append(*log, copy_of(1, 14, 100s), engine.wait_max);
    CHECK_MESSAGE(again.duplicate, "the new record opened a window of its own");
    CHECK(again.id == id_number(13));
    CHECK_FALSE(must_append(*log, copy_of(2, 15, 0s), engine.wait_max).duplicate);
}

// Copies of another log's records take their places, seen before or not, and no other.
inline void check_places(const Engine& engine) {
    auto log = engine.create();
    const auto at = [](NewRecord record, Offset offset) {
        record.at = offset;
        return record;
    };
    CHECK(must_append(*log, at(copy_of(1, 11, 0s), 0), engine.wait_max).address.offset == 0);
    const Appended again = must_append(*log, at(copy_of(1, 12, 1s), 1), engine.wait_max);
    CHECK_FALSE(again.duplicate);
    CHECK(again.address.offset == 1);
    for (const Offset wrong : {Offset{0}, Offset{1}, Offset{3}}) {
        const auto refused = append_and_wait(*log, at(copy_of(2, 13, 2s), wrong), engine.wait_max);
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().code == ErrorCode::conflict);
    }
    CHECK(*log->end_offset({Topic::chat, 0}) == 2);
    CHECK(must_append(*log, at(copy_of(2, 14, 3s), 2), engine.wait_max).address.offset == 2);
}

inline void check_dedup_in_flight(const Engine& engine) {
    constexpr std::uint64_t copies = 50, keys = 20;
    std::mutex mutex;
    std::map<std::uint64_t, std::set<Offset>> offsets;
    std::map<std::uint64_t, std::set<EventId>> ids;
    std::size_t originals = 0, answered = 0;
    Signal signal;
    auto log = engine.create();  // goes before what its answers touch
    for (std::uint64_t c = 0; c < copies; ++c)
        for (std::uint64_t k = 0; k < keys; ++k)
            log->append(copy_of(k, 1 + c * keys + k, 0s), [&, k](Result<Appended> result) {
                std::lock_guard lock(mutex);
                ++answered;
                signal.notify();
                if (!result) return;
                if (!result->duplicate) ++originals;
                offsets[k].insert(result->address.offset);
                ids[k].insert(result->id);
            });
    for (auto seen = signal.count();; seen = signal.wait(seen, 100ms)) {
        std::lock_guard lock(mutex);
        if (answered == copies * keys) break;
    }
    CHECK(originals == keys);
    CHECK(*log->end_offset({Topic::chat, 0}) == keys);
    for (std::uint64_t k = 0; k < keys; ++k) {
        CHECK(offsets[k].size() == 1);
        CHECK(ids[k].size() == 1);
    }
}

inline void check_reopen(const Engine& engine) {
    auto log = engine.create();
    for (std::uint64_t i = 0; i < 30; ++i)
        must_append(*log, copy_of(i, i + 1, 0s), engine.wait_max);
    log = engine.reopen(std::move(log));
    CHECK(*log->end_offset({Topic::chat, 0}) == 30);
    if (engine.exact_dedup) {
        const Appended copy = must_append(*log, copy_of(7, 99, 1s), engine.wait_max);
        CHECK(copy.duplicate);
        CHECK(copy.address.offset == 7);
        CHECK(copy.id == id_number(8));
    }
    CHECK(must_append(*log, copy_of(1000, 100, 0s), engine.wait_max).address.offset == 30);
    auto reader = must_read(*log, {.partition = 0, .topics = only({Topic::chat})});
    const auto records = collect(*reader, 31, engine.wait_max);
    REQUIRE(records.size() == 31);
    for (std::uint64_t i = 0; i < 30; ++i)
        CHECK(records[i].value == "body " + std::to_string(i + 1));
}

inline void check_full(const Engine& engine) {
    auto log = engine.create_small();
    std::vector<Address> kept;
    Result<Appended> last = fail(ErrorCode::invalid_input, "none yet");
    for (std::uint64_t i = 0; i < 10'000; ++i) {
        last = append_and_wait(*log, record_of(Topic::chat, 0, i + 1, std::string(20'000, 'x')),
                               engine.wait_max);
        if (!last) break;
        kept.push_back(last->address);
    }
    REQUIRE_FALSE(last.has_value());
    CHECK(last.error().code == ErrorCode::unavailable);
    CHECK(*log->end_offset({Topic::chat, 0}) == kept.size());
    CHECK_FALSE(log->status().accepting);
    CHECK_FALSE(log->status().detail.empty());
    if (!kept.empty()) CHECK(log->read_at(kept.back()).has_value());
}

inline void check_close(const Engine& engine) {
    auto log = engine.create();
    std::atomic<std::size_t> answered{0}, stored{0};
    for (std::uint64_t i = 0; i < 100; ++i)
        log->append(record_of(Topic::chat, 0, i + 1, "x"), [&](const Result<Appended>& result) {
            if (result) ++stored;
            ++answered;
        });
    log->close();
    CHECK_MESSAGE(answered == 100, "close() settles what came before");
    CHECK(stored == 100);
    auto refused = append_and_wait(*log, record_of(Topic::chat, 0, 200, "x"), engine.wait_max);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::cancelled);
    log->close();
    CHECK_FALSE(log->status().accepting);
}

inline void check_read_to_end(const Engine& engine) {
    auto log = engine.create();
    for (std::uint64_t i = 0; i < 25; ++i)
        must_append(*log, record_of(Topic::control, 0, i + 1, std::to_string(i)), engine.wait_max);
    std::vector<std::string> values;
    auto done = read_to_end(*log, Topic::control, 5, [&](const RecordView& view) {
        values.emplace_back(view.value);
        return Result<Done>(Done{});
    });
    REQUIRE(done.has_value());
    REQUIRE(values.size() == 20);
    CHECK(values.front() == "5");
    CHECK(values.back() == "24");
}

inline LogProof must_prove(Log& log) {
    auto proof = log.verify({});
    REQUIRE_MESSAGE(proof.has_value(), (proof ? "" : proof.error().message));
    for (const LogDamage& damage : proof->damage)
        MESSAGE(damage.where << " " << damage.file << " " << damage.at << " " << damage.what);
    return std::move(*proof);
}

// Beside a writer the proof speaks of what was visible when it began, at least.
inline void check_verify(const Engine& engine) {
    auto log = engine.create();
    CHECK(must_prove(*log).records == 0);
    for (std::uint64_t i = 0; i < 40; ++i)
        must_append(*log,
                    record_of(topic_at(i % partitioned_topics), static_cast<PartitionId>(i % 3),
                              i + 1, std::string(i * 100, 'v')),
                    engine.wait_max);
    must_append(*log, record_of(Topic::control, 0, 100, "control"), engine.wait_max);
    const LogProof proof = must_prove(*log);
    CHECK(proof.proven());
    CHECK(proof.records == 41);
    CHECK(proof.bodies == 41);
    CHECK(proof.erased == 0);

    std::atomic<bool> stop{false};
    std::atomic<std::size_t> appended{0};
    std::thread writer([&] {
        for (std::uint64_t i = 0; !stop; ++i) {
            must_append(*log, record_of(Topic::web, 1, 1000 + i, std::string(3000, 'w')),
                        engine.wait_max);
            ++appended;
        }
    });
    for (int round = 0; round < 5; ++round) {
        const std::size_t before = appended;
        const LogProof beside = must_prove(*log);
        CHECK(beside.proven());
        CHECK(beside.records >= 41 + before);
    }
    stop = true;
    writer.join();

    std::uint64_t told = 0;
    auto cancelled = log->verify({.go_on = [&](std::uint64_t records) {
        told += records;
        return false;
    }});
    REQUIRE_FALSE(cancelled.has_value());
    CHECK(cancelled.error().code == ErrorCode::cancelled);
}

// Bodies go, everything else stays: order, keys, headers, neighbours, duplicate answers, proofs.
inline void check_erase(const Engine& engine) {
    auto log = engine.create();
    std::vector<Address> at;
    for (std::uint64_t i = 0; i < 60; ++i) {
        NewRecord record = copy_of(i, i + 1, 0s);
        record.value = std::string(i * 300, static_cast<char>('a' + i % 26));
        at.push_back(must_append(*log, std::move(record), engine.wait_max).address);
    }
    std::vector<Address> chosen;
    for (std::size_t i = 0; i < at.size(); ++i)
        if (i % 3 == 1 || i + 1 == at.size()) chosen.push_back(at[i]);
    const auto missing = log->erase(std::vector<Address>{at[0], {Topic::chat, 0, 4711}});
    if (!engine.erases) {
        const auto kept = log->erase(chosen);
        REQUIRE(kept.has_value());
        CHECK(kept->kept == chosen.size());
        CHECK_FALSE(kept->remark.empty());
        CHECK(log->read_at(chosen[0])->value.size() == 300);
        return;
    }
    REQUIRE_FALSE(missing.has_value());
    CHECK(missing.error().code == ErrorCode::not_found);
    CHECK_FALSE(log->read_at(at[0])->erased);

    const auto check_all = [&](Log& now) {
        auto reader = must_read(now, {.partition = 0, .topics = only({Topic::chat})});
        const auto records = collect(*reader, at.size(), engine.wait_max);
        REQUIRE(records.size() >= at.size());
        for (std::size_t i = 0; i < at.size(); ++i) {
            const bool gone = std::find(chosen.begin(), chosen.end(), at[i]) != chosen.end();
            const auto read = now.read_at(at[i]);
            REQUIRE(read.has_value());
            CHECK(read->erased == gone);
            CHECK(read->value == records[i].value);
            CHECK(read->headers.view().get(header::id) == to_string(id_number(i + 1)));
            CHECK(read->key == "tnt_x");
            CHECK(records[i].value ==
                  (gone ? "" : std::string(i * 300, static_cast<char>('a' + i % 26))));
        }
        const LogProof proof = must_prove(now);
        CHECK(proof.proven());
        CHECK(proof.erased == chosen.size());
        CHECK(proof.records == proof.bodies + proof.erased);
    };
    for (int round = 0; round < 2; ++round) {  // to repeat it changes nothing
        const auto erased = log->erase(chosen);
        REQUIRE_MESSAGE(erased.has_value(), (erased ? "" : erased.error().message));
        CHECK(erased->erased == chosen.size());
        check_all(*log);
    }
    const Appended copy = must_append(*log, copy_of(1, 99, 1s), engine.wait_max);
    CHECK(copy.duplicate);
    CHECK(copy.address == at[1]);
    for (std::uint64_t i = 0; i < 20; ++i)  // the log goes on where it was
        must_append(*log, copy_of(1000 + i, 200 + i, 0s), engine.wait_max);
    check_all(*log);
    if (!engine.reopen) return;
    log = engine.reopen(std::move(log));
    check_all(*log);
    must_append(*log, copy_of(5000, 300, 0s), engine.wait_max);
    check_all(*log);
}

// Somebody reads and somebody writes while bodies go: a record is whole or erased, never between.
inline void check_erase_beside_others(const Engine& engine) {
    auto log = engine.create();
    std::vector<Address> at;
    for (std::uint64_t i = 0; i < 200; ++i)
        at.push_back(must_append(*log, record_of(Topic::chat, 0, i + 1, std::string(9000, 'p')),
                                 engine.wait_max)
                         .address);
    std::atomic<bool> stop{false};
    std::atomic<std::size_t> wrong{0}, failed{0};
    std::vector<std::thread> threads;
    threads.emplace_back([&] {
        for (std::uint64_t i = 0; !stop; ++i)
            must_append(*log, record_of(Topic::web, 1, 1000 + i, std::string(2000, 'w')),
                        engine.wait_max);
    });
    threads.emplace_back([&] {
        const std::string whole(9000, 'p');
        while (!stop)
            for (const Address& address : at) {
                const auto read = log->read_at(address);
                if (!read)
                    ++failed;
                else if (read->erased ? !read->value.empty() : read->value != whole)
                    ++wrong;
            }
    });
    for (std::size_t i = 0; i < at.size(); i += 10) {
        const auto erased = log->erase(std::span(at).subspan(i, 10));
        REQUIRE_MESSAGE(erased.has_value(), (erased ? "" : erased.error().message));
    }
    stop = true;
    for (auto& thread : threads) thread.join();
    CHECK(wrong == 0);
    CHECK(failed == 0);
    const LogProof proof = must_prove(*log);
    CHECK(proof.proven());
    CHECK(proof.erased == at.size());
}

inline void run_all(const Engine& engine) {
    SUBCASE("a log proves what it holds, beside those who write") {
        check_verify(engine);
    }
    SUBCASE("erased bodies are gone and nothing else is") {
        check_erase(engine);
    }
    if (engine.erases) {
        SUBCASE("erasing beside readers and writers") {
            check_erase_beside_others(engine);
        }
    }
    SUBCASE("order is kept inside a topic partition") {
        check_order(engine);
    }
    SUBCASE("an answer names address, id and durability") {
        check_answer(engine);
    }
    SUBCASE("an answered record is visible everywhere") {
        check_visibility(engine);
    }
    SUBCASE("keys, headers, values and tombstones come back as they were") {
        check_contents(engine);
    }
    SUBCASE("values of a megabyte come back whole") {
        check_large_values(engine);
    }
    SUBCASE("what is too large or nowhere is refused") {
        check_limits(engine);
    }
    SUBCASE("copied records take their places and no other") {
        check_places(engine);
    }
    SUBCASE("one reader follows several topics") {
        check_several_topics(engine);
    }
    SUBCASE("a reader starts where it is told") {
        check_reader_start(engine);
    }
    SUBCASE("a signal tells of new records") {
        check_signal(engine);
    }
    SUBCASE("several writers and readers at once agree") {
        check_concurrency(engine);
    }
    SUBCASE("a one-partition topic is read to its end") {
        check_read_to_end(engine);
    }
    SUBCASE("close settles the old and refuses the new") {
        check_close(engine);
    }
    if (engine.exact_dedup) {
        SUBCASE("a copy inside the window is answered with the first") {
            check_dedup(engine);
        }
        SUBCASE("copies in flight are answered with the first") {
            check_dedup_in_flight(engine);
        }
    }
    if (engine.reopen) {
        SUBCASE("what was answered is there after reopening") {
            check_reopen(engine);
        }
    }
    if (engine.create_small) {
        SUBCASE("a full log refuses and keeps what it has") {
            check_full(engine);
        }
    }
}

}  // namespace tests::conformance
