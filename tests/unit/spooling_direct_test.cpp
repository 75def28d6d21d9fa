// What comes while others are still on their way to the log keeps its place among them.
#include "tests/unit/spooling_fixture.hpp"

#include <thread>

using namespace spool_test;

TEST_CASE("spool: what is given back while others are on their way keeps its place among them") {
    World world;
    world.trouble.holds = true;
    for (int i = 0; i < 3; ++i) world.begin_to_say(i);
    world.away = true;
    world.begin_to_say(3);
    auto held = world.trouble.take_held();
    REQUIRE(held.size() == 3);
    world.target->give_back(std::move(held[0]));
    world.begin_to_say(4);
    CHECK_MESSAGE(world.log->waiting() == 0, "others of the partition are still on their way");
    CHECK(world.say(0, Topic::voice)->durability == Durability::local);
    SUBCASE("all are given back") {
        world.target->give_back(std::move(held[1]));
        world.begin_to_say(5);
        world.target->give_back(std::move(held[2]));
        world.begin_to_say(6);
        world.away = false;
        CHECK(eventually([&] { return world.taken == 7; }));
        world.wait_until_forwarded();
        CHECK(world.stored() == up_to(7));
    }
    SUBCASE("the others are stored") {
        world.target->store(std::move(held[1]));
        world.target->store(std::move(held[2]));
        world.away = false;
        CHECK(eventually([&] { return world.taken == 5; }));
        world.wait_until_forwarded();
        CHECK(world.stored() == std::vector{1, 2, 0, 3, 4});
    }
    SUBCASE("the log is closed before they are answered") {
        world.log->close();
        world.target->give_back(std::move(held[1]));
        world.target->give_back(std::move(held[2]));
        CHECK(eventually([&] { return world.taken + world.refused == 5; }));
        CHECK(world.taken >= 3);
        return;
    }
    CHECK(world.say(7)->durability == Durability::memory);
}

TEST_CASE("spool: what comes while the log answers nothing is not sent after what it holds") {
    World world(0ms);
    world.trouble.holds = true;
    world.begin_to_say(0);
    for (int i = 1; i < 4; ++i) world.begin_to_say(i);
    world.begin_to_say(0, Topic::voice);  // of which nothing was silent
    auto held = world.trouble.take_held();
    REQUIRE(held.size() == 2);
    CHECK_MESSAGE(world.log->waiting() == 0, "the first may still be stored");
    world.target->store(std::move(held[1]));
    SUBCASE("what it holds is stored") {
        world.target->store(std::move(held[0]));
    }
    SUBCASE("what it holds is given back") {
        world.target->give_back(std::move(held[0]));
    }
    CHECK(eventually([&] { return world.taken == 5; }));
    world.wait_until_forwarded();
    CHECK(world.stored() == up_to(4));
    CHECK(world.stored(Topic::voice) == up_to(1));
    CHECK(world.say(4)->durability == Durability::memory);
}

TEST_CASE("spool: copies that are answered do not hide that one is not") {
    constexpr auto silence = 200ms;
    World world(silence);
    REQUIRE(append_and_wait(*world.log, World::with_key(0), wait_max));
    REQUIRE(append_and_wait(*world.log, World::with_key(0), wait_max)->duplicate);
    world.trouble.holds = true;
    world.begin_to_say(1);
    auto held = world.trouble.take_held();  // and holds no more
    REQUIRE(held.size() == 1);
    const auto sent_by = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() < sent_by + silence) {
        world.log->append(World::with_key(0), [](const auto&) {});
        std::this_thread::sleep_for(5ms);
    }
    world.begin_to_say(2);
    world.target->give_back(std::move(held[0]));
    CHECK(eventually([&] { return world.taken == 2; }));
    world.wait_until_forwarded();
    CHECK_MESSAGE(world.stored() == up_to(3), "the newcomer waits behind the unanswered");
}
