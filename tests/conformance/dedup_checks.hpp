// Copies of what was told before, and copies of another log's records.
#pragma once

#include "tests/conformance/log_engine.hpp"

namespace tests::conformance {

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

}  // namespace tests::conformance
