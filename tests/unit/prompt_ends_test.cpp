// Who must not wait for a log does not, whatever the log does.
#include "bus/prompt_ends.hpp"

#include "bus/memory/memory_log.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/gated_log.hpp"

#include <doctest/doctest.h>

#include <future>

using namespace std::chrono_literals;

namespace {

// Answers nothing while its gate is shut.
class HangingLog final : public tests::ForwardingLog {
public:
    using ForwardingLog::ForwardingLog;
    bus::Result<bus::Offset> end_offset(bus::TopicPartition where) override {
        gate.pass();
        return ForwardingLog::end_offset(where);
    }
    tests::Gate gate;
};

constexpr bus::TopicPartition control{bus::Topic::control, 0};
constexpr bus::milliseconds patience = 10s;

void append(bus::Log& log) {
    bus::NewRecord record;
    record.topic = bus::Topic::control;
    std::promise<bool> stored;
    log.append(std::move(record), [&](const auto& appended) { stored.set_value(bool(appended)); });
    REQUIRE(stored.get_future().get());
}

}  // namespace

TEST_CASE("prompt ends: each answer is newer than its question") {
    bus::memory::MemoryLog log;
    bus::PromptEnds ends(log);
    for (bus::Offset end = 0; end < 100; ++end) {
        CHECK(ends.end_offset(control, patience) == end);
        append(log);
    }
    CHECK(ends.end_position(0, patience) == *log.end_position(0));
}

TEST_CASE("prompt ends: a log that hangs holds up its first question only, and that not for long") {
    bus::memory::MemoryLog memory;
    HangingLog log(memory);
    log.gate.shut();
    bus::PromptEnds ends(log);
    CHECK(!ends.end_offset(control, 1ms));
    CHECK(log.gate.wait_for_somebody());
    CHECK(!ends.end_offset(control, patience));  // at once
    CHECK(log.gate.passed() == 0);
    append(memory);
    log.gate.open();
    CHECK(tests::eventually([&] { return ends.end_offset(control, patience) == 1u; }));
}

TEST_CASE("prompt ends: a log that refuses has no end, and is asked again") {
    bus::memory::MemoryLog log;
    bus::PromptEnds ends(log);
    CHECK(!ends.end_offset({bus::Topic::chat, log.partitions()}, patience));
    CHECK(ends.end_offset(control, patience) == 0u);
}
