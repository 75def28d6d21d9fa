#include "bus/memory/memory_log.hpp"
#include "tests/conformance/log_conformance.hpp"

using namespace tests::conformance;
using bus::memory::MemoryLog;

TEST_CASE("the memory log keeps the promises of a log") {
    run_all({.create =
                 [] {
                     return std::make_unique<MemoryLog>(
                         bus::memory::MemoryLogOptions{.partitions = 4});
                 },
             .reopen = nullptr,
             .create_small =
                 [] {
                     return std::make_unique<MemoryLog>(
                         bus::memory::MemoryLogOptions{.partitions = 4, .log_bytes_max = 200'000});
                 }});
}

TEST_CASE("the memory log fails the n-th append and only that") {
    MemoryLog log;
    log.faults().fail_append(2, bus::fail(ErrorCode::unavailable, "as planned"));
    CHECK(append_and_wait(log, copy_of(1, 1, 0s), 5s).has_value());
    CHECK(append_and_wait(log, copy_of(2, 2, 0s), 5s).error().code == ErrorCode::unavailable);
    CHECK_FALSE(append_and_wait(log, copy_of(2, 3, 0s), 5s)->duplicate);
    CHECK(*log.end_offset({Topic::chat, 0}) == 2);
}

TEST_CASE("the memory log fails the n-th read and only that") {
    MemoryLog log;
    REQUIRE(append_and_wait(log, copy_of(1, 1, 0s), 5s).has_value());
    auto reader = must_read(log, {.partition = 0, .topics = only({Topic::chat})});
    log.faults().fail_read(1, bus::fail(ErrorCode::corrupt, "as planned"));
    CHECK(reader->poll(1, 1).error().code == ErrorCode::corrupt);
    CHECK(reader->poll(1, 1)->records.size() == 1);
}

TEST_CASE("the memory log shows nothing of an unsynced tail and forgets it when it is lost") {
    MemoryLog log;
    log.hold_syncs();
    std::optional<Result<Appended>> lost;
    log.append(copy_of(1, 1, 0s), [&](Result<Appended> result) { lost = std::move(result); });
    CHECK_FALSE(lost.has_value());
    CHECK(*log.end_offset({Topic::chat, 0}) == 0);
    log.lose_unsynced_tail();
    REQUIRE(lost.has_value());
    CHECK(lost->error().code == ErrorCode::unavailable);
    log.release_syncs();
    const Appended again = must_append(log, copy_of(1, 2, 0s), 5s);
    CHECK_FALSE(again.duplicate);
    CHECK(again.address.offset == 0);
}

TEST_CASE("the memory log can be slow") {
    MemoryLog log;
    log.faults().delay_appends(30ms);
    const auto started = std::chrono::steady_clock::now();
    must_append(log, copy_of(1, 1, 0s), 5s);
    CHECK(std::chrono::steady_clock::now() - started >= 30ms);
}
