// A journal on a disk that keeps only what was synced: it lives until the power goes, again and
// again, and is compared each time.
#pragma once

#include "bus/embedded/journal.hpp"
#include "tests/crash/acknowledged.hpp"
#include "tests/support/simulated_disk.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

namespace tests::crash {

using namespace bus;
using namespace std::chrono_literals;
using bus::embedded::Journal;

inline constexpr PartitionId partitions = 2;

inline Result<std::unique_ptr<Journal>> open_on(bus::embedded::FileOps& disk) {
    return Journal::open({.directory = "simulated",
                          .partitions = partitions,
                          .segment_bytes = 256u << 10,
                          .reserve_bytes = 0,
                          .tail_cache_bytes = 512u << 10,
                          .gather_max = 50us,
                          .files = &disk});
}

// One life after the other on one disk: append until the power goes, start again, compare.
struct Lives {
    explicit Lives(std::uint64_t seed) : disk(seed), random(seed * 7 + 1) {}

    // Appends from one thread until the disk is off or `count` are answered.
    void append(Journal& journal, std::uint64_t count) {
        std::atomic<std::uint64_t> answered{0};
        const std::uint64_t first = next;
        for (; next < first + count && !disk.is_off(); ++next) {
            while (next - first - answered > 40) std::this_thread::yield();
            journal.append(record_of(next, partitions),
                           [&, number = next](const Result<Appended>& result) {
                               if (result) {
                                   std::lock_guard lock(mutex);
                                   acknowledged.emplace(number, result->address);
                                   if (result->duplicate) ++wrong_duplicates;
                               }
                               ++answered;
                           });
        }
        while (answered < next - first) std::this_thread::yield();
    }

    // Copies of what was acknowledged must be recognised; what was not is sent again.
    void retry(Journal& journal) {
        for (std::uint64_t number = next > 50 ? next - 50 : 0; number < next; ++number) {
            auto result = append_and_wait(journal, record_of(number, partitions), 5'000ms);
            if (!result) {
                ++failed_retries;
                continue;
            }
            auto known = acknowledged.find(number);
            if (known == acknowledged.end()) {
                acknowledged.emplace(number, result->address);
                retried.insert(number);
            } else if (!result->duplicate || result->address != known->second) {
                ++unrecognised;
            }
        }
    }

    NewRecord (*record_of)(std::uint64_t number, PartitionId partitions) = numbered_record;
    SimulatedDisk disk;
    std::mt19937_64 random;
    std::uint64_t next = 0;
    std::mutex mutex;
    Acknowledged acknowledged;
    std::set<std::uint64_t> retried;
    std::size_t wrong_duplicates = 0, unrecognised = 0, failed_retries = 0;
};

// Ten lives of one disk. Returns how often the power went in the middle of a call.
inline std::size_t lose_power_and_compare(std::uint64_t seed) {
    std::size_t cuts = 0;
    CAPTURE(seed);
    Lives lives(seed);
    for (int life = 0; life < 10; ++life) {
        CAPTURE(life);
        lives.disk.cut_at_call(1 + lives.random() % 120);
        if (auto journal = open_on(lives.disk)) {
            auto before = compare(**journal, lives.acknowledged, lives.retried);
            if (before) CHECK(before->clean());
            lives.append(**journal, 600);
        }
        if (lives.disk.is_off()) ++cuts;
        lives.disk.cut();
        lives.disk.power_on();

        auto journal = open_on(lives.disk);
        REQUIRE_MESSAGE(journal.has_value(), (journal ? "" : journal.error().message));
        auto verdict = compare(**journal, lives.acknowledged, lives.retried);
        REQUIRE_MESSAGE(verdict.has_value(), (verdict ? "" : verdict.error().message));
        CHECK(verdict->lost == 0);
        CHECK(verdict->doubled == 0);
        CHECK(verdict->out_of_order == 0);
        CHECK(verdict->changed == 0);
        lives.retry(**journal);
        CHECK(compare(**journal, lives.acknowledged, lives.retried)->clean());
    }
    CHECK(lives.wrong_duplicates == 0);
    CHECK(lives.unrecognised == 0);
    CHECK(lives.failed_retries == 0);
    return cuts;
}

}  // namespace tests::crash
