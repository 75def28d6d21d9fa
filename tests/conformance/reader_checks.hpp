// Where readers begin, what they follow, and what many of them see beside many writers.
#pragma once

#include "tests/conformance/log_engine.hpp"

namespace tests::conformance {

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

}  // namespace tests::conformance
