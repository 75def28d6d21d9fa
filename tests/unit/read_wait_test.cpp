// Whoever reads what a log holds does not wait for ever for one that has gone away.
#include "bus/read_wait.hpp"

#include "bus/memory/memory_log.hpp"
#include "tests/support/silent_log.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using bus::ErrorCode;

namespace {

struct Reading {
    Reading() {
        bus::NewRecord record;
        record.topic = bus::Topic::control;
        REQUIRE(bus::append_and_wait(log, std::move(record), 10s));
    }
    bus::Result<bus::Done> read(bus::Log& from, const bus::ReadPatience& patience) {
        const auto count = [this](const bus::RecordView&) -> bus::Result<bus::Done> {
            ++visited;
            return bus::Done{};
        };
        return bus::read_to_end(from, bus::Topic::control, 0, count, patience);
    }
    bus::memory::MemoryLog log{bus::memory::MemoryLogOptions{.partitions = 2}};
    tests::SilentLog silent{log};
    int visited = 0;
};

}  // namespace

TEST_CASE("read to end: a log that gives nothing of what it holds is unavailable") {
    Reading reading;
    const auto read = reading.read(reading.silent, {.silence_max = 100ms});
    REQUIRE_FALSE(read);
    CHECK(read.error().code == ErrorCode::unavailable);
    CHECK(reading.visited == 0);
}

TEST_CASE("read to end: who is told not to go on waits no more") {
    Reading reading;
    int asked = 0;
    const auto read = reading.read(reading.silent, {.go_on = [&] { return ++asked < 3; }});
    REQUIRE_FALSE(read);
    CHECK(read.error().code == ErrorCode::cancelled);
    CHECK(reading.visited == 0);
}

TEST_CASE("read to end: a log that has what is wanted is read without a question") {
    Reading reading;
    CHECK(reading.read(reading.log, {.silence_max = 0ms, .go_on = [] { return false; }}));
    CHECK(reading.visited == 1);
}
