// A spool on a disk that keeps only what was synced: events come, are forwarded and marked, pieces
// begin and are given up, until the power goes; again and again, and compared each time.
#pragma once

#include "bus/spool/spool.hpp"
#include "tests/crash/power_cut.hpp"

namespace tests::crash {

// Record numbers, by topic partition.
using Numbers = std::map<bus::TopicPartition, std::vector<std::uint64_t>>;

inline std::vector<bus::TopicPartition> numbered_places() {
    std::vector<bus::TopicPartition> places;
    for (std::size_t topic = 0; topic < 3; ++topic)
        for (PartitionId partition = 0; partition < partitions; ++partition)
            places.push_back({topic_at(topic), partition});
    return places;
}

inline std::uint64_t number_of(const RecordView& record) {
    return std::stoull(std::string(record.value.substr(0, 20)));
}

inline Result<std::unique_ptr<spool::Spool>> open_spool_on(bus::embedded::FileOps& disk) {
    return spool::Spool::open({.directory = "simulated/spool",
                               .partitions = partitions,
                               .bytes_max = 2u << 20,
                               .segment_bytes = 256u << 10,
                               .reserve_bytes = 0,
                               .files = &disk});
}

// Where the records go is another machine, which keeps them.
struct SpoolLives {
    explicit SpoolLives(std::uint64_t seed) : disk(seed), random(seed * 11 + 5) {}

    void live(spool::Spool& spool, int steps) {
        for (int step = 0; step < steps && !disk.is_off(); ++step) switch (random() % 8) {
                case 0:
                    if (spool.save_marks()) marked.merge(std::exchange(passed, {}));
                    break;
                case 1:
                    (void)spool.keep_house();
                    break;
                case 2:
                    (void)spool.clear();
                    break;
                case 3:
                case 4:
                    forward(spool, 1 + random() % 40);
                    break;
                default:
                    append(spool, 1 + random() % 20);
            }
    }

    void append(spool::Spool& spool, std::uint64_t count) {
        std::atomic<std::uint64_t> answered{0};
        for (std::uint64_t i = 0; i < count; ++i, ++next)
            spool.append(numbered_record(next, partitions),
                         [&, number = next](const Result<Appended>& kept) {
                             if (kept) {
                                 const std::lock_guard lock(mutex);
                                 acknowledged.insert(number);
                             }
                             ++answered;
                         });
        while (answered < count) std::this_thread::yield();
    }

    void forward(spool::Spool& spool, std::size_t records_max) {
        for (const TopicPartition where : numbered_places()) {
            const auto batch = spool.next(where, records_max, 1u << 20);
            if (!batch) return;
            for (const RecordView& record : batch->records) {
                const std::uint64_t number = number_of(record);
                if (forwarded.insert(number).second &&
                    number < std::exchange(newest[where], number))
                    ++out_of_order;
                passed.insert(number);
                spool.forwarded(where);
            }
        }
    }

    // What is there and waits, without its being forwarded.
    Numbers waiting(spool::Spool& spool) {
        Numbers found;
        for (const TopicPartition where : numbered_places()) {
            for (;;) {
                const auto batch = spool.next(where, 500, 1u << 20);
                REQUIRE_MESSAGE(batch.has_value(), (batch ? "" : batch.error().message));
                if (batch->empty()) break;
                for (const RecordView& record : batch->records) {
                    found[where].push_back(number_of(record));
                    if (record.value != numbered_record(number_of(record), partitions).value)
                        ++changed;
                }
            }
            spool.rewind(where);
        }
        return found;
    }

    void compare_with(spool::Spool& spool) {
        std::set<std::uint64_t> waits;
        std::size_t records = 0;
        for (const auto& [where, numbers] : waiting(spool)) {
            CHECK_MESSAGE(std::adjacent_find(numbers.begin(), numbers.end(),
                                             std::greater_equal<>{}) == numbers.end(),
                          "out of order, or there twice");
            records += numbers.size();
            waits.insert(numbers.begin(), numbers.end());
        }
        CHECK(spool.records() == records);
        CHECK(changed == 0);
        CHECK(out_of_order == 0);
        for (const std::uint64_t number : acknowledged)
            if (!waits.count(number) && !forwarded.count(number)) ++lost;
        CHECK(lost == 0);
        for (const std::uint64_t number : marked)
            if (waits.count(number)) ++came_back;
        CHECK(came_back == 0);
        passed.clear();
        for (const std::uint64_t number : forwarded)
            if (!waits.count(number)) marked.insert(number);
    }

    SimulatedDisk disk;
    std::mt19937_64 random;
    std::uint64_t next = 0;
    std::mutex mutex;
    std::set<std::uint64_t> acknowledged, forwarded;
    std::set<std::uint64_t> passed, marked;  // forwarded in this life; and marked, or not there
    std::map<TopicPartition, std::uint64_t> newest;  // forwarded
    std::size_t changed = 0, lost = 0, came_back = 0, out_of_order = 0;
};

// Ten lives of one disk. Returns how often the power went in the middle of a call.
inline std::size_t lose_power_of_a_spool_and_compare(std::uint64_t seed) {
    std::size_t cuts = 0;
    CAPTURE(seed);
    SpoolLives lives(seed);
    for (int life = 0; life < 10; ++life) {
        CAPTURE(life);
        lives.disk.cut_at_call(1 + lives.random() % 150);
        if (auto spool = open_spool_on(lives.disk)) lives.live(**spool, 150);
        if (lives.disk.is_off()) ++cuts;
        lives.disk.cut();
        lives.disk.power_on();

        auto spool = open_spool_on(lives.disk);
        REQUIRE_MESSAGE(spool.has_value(), (spool ? "" : spool.error().message));
        lives.compare_with(**spool);
    }
    return cuts;
}

}  // namespace tests::crash
