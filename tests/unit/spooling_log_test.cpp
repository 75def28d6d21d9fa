// What comes while a log is away waits on the disk, in order, and is forwarded once it is back.
#include "tests/unit/spooling_fixture.hpp"

#include <random>
#include <set>
#include <thread>

using namespace spool_test;

TEST_CASE("spool: what comes while the log is away is kept, and forwarded in order") {
    World world;
    CHECK(world.say(0)->durability == Durability::memory);
    world.away = true;
    for (int i = 1; i < 50; ++i) {
        const auto kept = world.say(i);
        REQUIRE(kept);
        CHECK(kept->durability == Durability::local);
        CHECK(kept->position == Position{.partition = 0});
    }
    CHECK(world.stored() == up_to(1));
    CHECK(world.log->waiting() == 49);
    CHECK(world.log->status().accepting);
    CHECK(world.log->status().detail.find("49 events wait") != std::string::npos);
    world.away = false;
    CHECK(world.say(50)->durability == Durability::local);  // behind those that wait
    world.wait_until_forwarded();
    CHECK(world.say(51)->durability == Durability::memory);
    CHECK(world.stored() == up_to(52));
}

TEST_CASE("spool: it outlives the process, again and again, and gives its space back") {
    World world;
    world.away = true;
    int number = 0;
    for (int round = 0; round < 4; ++round) {
        for (int i = 0; i < 10; ++i) REQUIRE(world.say(number++));
        world.log.reset();
        world.open();
        CHECK(world.log->waiting() == static_cast<std::uint64_t>(number));
    }
    world.away = false;
    world.wait_until_forwarded();
    CHECK(world.stored() == up_to(number));
    const auto folder = world.folder.path() / "spool";
    CHECK(eventually([&] { return !std::filesystem::exists(folder / "1"); }));
    world.log.reset();
    world.open();
    CHECK(world.log->waiting() == 0);
    CHECK(world.stored() == up_to(number));
}

TEST_CASE("spool: a log that is away says so at once, one that is closed can still be read") {
    World world;
    REQUIRE(world.say(0));
    world.away = true;
    CHECK(world.log->end_offset({Topic::chat, 0}).error().code == ErrorCode::unavailable);
    world.log->close();
    CHECK(world.log->end_offset({Topic::chat, 0}).value_or(0) == 1);
}

TEST_CASE("spool: a copy of what waits is the same event") {
    World world;
    world.away = true;
    REQUIRE(append_and_wait(*world.log, World::with_key(1), wait_max));
    const auto copy = append_and_wait(*world.log, World::with_key(1), wait_max);
    REQUIRE(copy);
    CHECK(copy->duplicate);
    CHECK(world.log->waiting() == 1);
    world.away = false;
    world.wait_until_forwarded();
    CHECK(append_and_wait(*world.log, World::with_key(1), wait_max)->duplicate);
    CHECK(world.stored() == std::vector{1});
}

TEST_CASE("spool: the log comes and goes under load, and each partition keeps its order") {
    World world;
    std::atomic<bool> stopped{false};
    std::thread weather([&] {
        std::mt19937 random(7);
        while (!stopped) {
            world.away = random() % 2 == 0;
            if (random() % 4 == 0)
                world.memory.faults().fail_append(random() % 20 + 1,
                                                  fail(ErrorCode::unavailable, "lost"));
            std::this_thread::sleep_for(milliseconds{random() % 20});
        }
        world.away = false;
    });
    constexpr int count = 600;
    std::vector<std::thread> senders;
    std::array<std::vector<int>, 4> acknowledged;
    for (int sender = 0; sender < 4; ++sender)
        senders.emplace_back([&, sender] {
            const Topic topic = sender < 2 ? Topic::chat : Topic::voice;
            for (int i = 0; i < count; ++i)
                if (world.say(i, topic, static_cast<PartitionId>(sender % 2)))
                    acknowledged[static_cast<std::size_t>(sender)].push_back(i);
        });
    for (std::thread& sender : senders) sender.join();
    stopped = true;
    weather.join();
    world.wait_until_forwarded();
    for (int sender = 0; sender < 4; ++sender) {
        const Topic topic = sender < 2 ? Topic::chat : Topic::voice;
        const auto& said = acknowledged[static_cast<std::size_t>(sender)];
        const auto found = world.stored(topic, static_cast<PartitionId>(sender % 2));
        CHECK(std::is_sorted(found.begin(), found.end()));
        CHECK(std::includes(found.begin(), found.end(), said.begin(), said.end()));
        CHECK(std::set<int>(found.begin(), found.end()).size() == found.size());
        CHECK(said.size() > count / 2);
    }
}
