#include "tests/crash/power_cut.hpp"
#include "tests/support/eventually.hpp"

using namespace bus;
using namespace tests::crash;

TEST_CASE(
    "a power cut at any moment loses nothing acknowledged, doubles nothing, keeps the order") {
    std::size_t cuts = 0;
    for (std::uint64_t seed = 1; seed <= 12; ++seed) cuts += lose_power_and_compare(seed);
    MESSAGE("power cuts in the middle of a call: ", cuts);
    CHECK(cuts > 60);
}

// Of so many lives, in how many it shows that the disk kept too little.
template <class Forget>
std::size_t noticed_in_ten_lives(const Forget& forget) {
    std::size_t noticed = 0;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        Lives lives(seed);
        forget(lives.disk);
        {
            auto journal = open_on(lives.disk);
            REQUIRE(journal.has_value());
            lives.append(**journal, 300);
        }
        lives.disk.cut();
        lives.disk.power_on();
        const auto journal = open_on(lives.disk);
        if (!journal) {
            ++noticed;
            continue;
        }
        const auto verdict = compare(**journal, lives.acknowledged);
        noticed += !verdict || !verdict->clean();
    }
    return noticed;  // in the others everything happened to survive
}

TEST_CASE("a disk that forgets its syncs, of files or of folders, is noticed") {
    CHECK(noticed_in_ten_lives([](auto& disk) { disk.ignore_syncs(true); }) >= 5);
    CHECK(noticed_in_ten_lives([](auto& disk) { disk.ignore_folder_syncs(true); }) >= 5);
}

TEST_CASE("after a failed write a journal accepts again by itself") {
    Lives lives(1);
    auto journal = open_on(lives.disk);
    REQUIRE(journal.has_value());
    const auto append = [&](std::uint64_t number) {
        return append_and_wait(**journal, numbered_record(number, partitions), 5s).has_value();
    };
    bool was_refused = false;
    for (std::uint64_t number = 0; number < 100 && !was_refused; ++number) {
        lives.disk.fail_call(1);  // or the keeper meets it, preparing a segment
        was_refused = !append(number);
    }
    REQUIRE(was_refused);
    CHECK(tests::eventually([&] { return (*journal)->status().accepting; }));
    CHECK(append(1'000));
}

TEST_CASE("a failed write or sync refuses its group only, whichever call it is") {
    for (std::uint64_t nth = 1; nth <= 60; ++nth) {
        CAPTURE(nth);
        Lives lives(nth);
        {
            auto journal = open_on(lives.disk);
            REQUIRE(journal.has_value());
            lives.disk.fail_call(nth);
            lives.append(**journal, 150);
            auto verdict = compare(**journal, lives.acknowledged);
            REQUIRE_MESSAGE(verdict.has_value(), (verdict ? "" : verdict.error().message));
            CHECK(verdict->clean());
            CHECK_MESSAGE(verdict->records == lives.acknowledged.size(),
                          "what was refused is not shown");
            for (int i = 0; i < 400 && !(*journal)->status().accepting; ++i) {
                (void)append_and_wait(**journal, numbered_record(100'000, partitions), 1'000ms);
                std::this_thread::sleep_for(2ms);
            }
            CHECK((*journal)->status().accepting);
            lives.retry(**journal);
            CHECK(lives.unrecognised == 0);
            CHECK(lives.failed_retries == 0);
        }
        lives.disk.heal();  // of a failure that never came to pass
        auto journal = open_on(lives.disk);
        REQUIRE_MESSAGE(journal.has_value(), (journal ? "" : journal.error().message));
        auto verdict = compare(**journal, lives.acknowledged, lives.retried);
        REQUIRE(verdict.has_value());
        CHECK(verdict->lost == 0);
        CHECK(verdict->doubled == 0);
        CHECK(verdict->changed == 0);
    }
}
