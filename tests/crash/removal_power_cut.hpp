// A journal on a disk that keeps only what was synced, of which bodies are erased and expire until
// the power goes; again and again, and compared each time.
#pragma once

#include "bus/headers.hpp"
#include "tests/crash/power_cut.hpp"

namespace tests::crash {

// A text that no file holds but for the body of this record.
inline std::string mark_of(std::uint64_t number) {
    return fmt::format("<body {}>", number);
}

inline NewRecord marked_record(std::uint64_t number, PartitionId partition_count) {
    NewRecord record = numbered_record(number, partition_count);
    record.value += mark_of(number);
    return record;
}

struct RemovalLives : Lives {
    explicit RemovalLives(std::uint64_t seed) : Lives(seed) { record_of = marked_record; }

    void live(Journal& journal) {
        while (!disk.is_off()) switch (random() % 4) {
                case 0:
                    erase_some(journal);
                    break;
                case 1:
                    expire_some(journal);
                    break;
                default:
                    append(journal, 1 + random() % 60);
            }
    }

    void erase_some(Journal& journal) {
        std::set<std::uint64_t> chosen;
        for (const auto& [number, address] : acknowledged)
            if (random() % 16 == 0) chosen.insert(number);
        began(chosen);
        if (erase(journal, chosen)) ended(chosen);
    }
    bool erase_all(Journal& journal) {
        std::set<std::uint64_t> all;
        for (const auto& [number, address] : acknowledged) all.insert(number);
        if (!erase(journal, all)) return false;
        ended(all);
        return true;
    }
    bool expire_all(Journal& journal) {
        std::set<std::uint64_t> all;
        std::vector<RecordRange> ranges;
        for (const auto& [number, address] : acknowledged) {
            all.insert(number);
            ranges.push_back(
                {{address.topic, address.partition}, address.offset, address.offset + 1});
        }
        if (!journal.expire(ranges, {})) return false;
        ended(all);
        return true;
    }
    bool erase(Journal& journal, const std::set<std::uint64_t>& numbers) {
        std::vector<Address> addresses;
        for (const std::uint64_t number : numbers) addresses.push_back(acknowledged.at(number));
        return journal.erase(addresses).has_value();
    }

    void expire_some(Journal& journal) {
        const TopicPartition where{topic_at(random() % 3),
                                   static_cast<PartitionId>(random() % partitions)};
        const RecordRange range{where, 0, random() % (journal.end_offset(where).value_or(0) + 1)};
        std::set<std::uint64_t> chosen;
        for (const auto& [number, address] : acknowledged)
            if (address.topic == where.topic && address.partition == where.partition &&
                address.offset < range.before)
                chosen.insert(number);
        began(chosen);
        if (journal.expire({&range, 1}, {})) ended(chosen);
    }

    void began(const std::set<std::uint64_t>& numbers) {
        for (const std::uint64_t number : numbers)
            if (!gone.count(number)) half_gone.insert(number);
    }
    void ended(const std::set<std::uint64_t>& numbers) {
        for (const std::uint64_t number : numbers) half_gone.erase(number);
        gone.insert(numbers.begin(), numbers.end());
    }

    void compare_with(Journal& journal) {
        for (const auto& [number, address] : acknowledged) {
            const auto record = journal.read_at(address);
            const auto expected = marked_record(number, partitions);
            if (!record || record->headers.bytes() != expected.headers.bytes()) {
                ++lost;
            } else if (gone.count(number)) {
                if (!record->erased || is_on_disk(number)) ++came_back;
            } else if (record->erased ? !half_gone.count(number)
                                      : record->value != expected.value) {
                ++changed;
            }
        }
    }

    // Asked of a few: all of the disk is read.
    bool is_on_disk(std::uint64_t number) {
        return random() % 16 == 0 && disk.holds(mark_of(number));
    }

    std::set<std::uint64_t> half_gone, gone;  // answered or not
    std::size_t lost = 0, came_back = 0, changed = 0;
};

// Ten lives of one disk. Returns how often the power went in the middle of a call.
inline std::size_t lose_power_while_bodies_go_and_compare(std::uint64_t seed) {
    std::size_t cuts = 0;
    CAPTURE(seed);
    RemovalLives lives(seed);
    for (int life = 0; life < 10; ++life) {
        CAPTURE(life);
        lives.disk.cut_at_call(1 + lives.random() % 200);
        if (auto journal = open_on(lives.disk)) lives.live(**journal);
        if (lives.disk.is_off()) ++cuts;
        lives.disk.power_on();

        auto journal = open_on(lives.disk);
        REQUIRE_MESSAGE(journal.has_value(), (journal ? "" : journal.error().message));
        lives.compare_with(**journal);
        REQUIRE(lives.lost == 0);
        REQUIRE(lives.came_back == 0);
        REQUIRE(lives.changed == 0);
        const std::set<std::uint64_t> again = lives.half_gone;
        REQUIRE_MESSAGE(lives.erase(**journal, again), "doing it again ends it");
        lives.ended(again);
        lives.retry(**journal);
        const auto proof = (*journal)->verify({});
        REQUIRE(proof.has_value());
        REQUIRE(proof->proven());
    }
    CHECK(lives.wrong_duplicates == 0);
    CHECK(lives.unrecognised == 0);
    CHECK(lives.failed_retries == 0);
    return cuts;
}

}  // namespace tests::crash
