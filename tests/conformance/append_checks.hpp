// What an append answers, what it refuses, and that what was answered is there, as it was and
// in order.
#pragma once

#include "tests/conformance/log_engine.hpp"

namespace tests::conformance {

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

}  // namespace tests::conformance
