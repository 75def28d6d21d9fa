#include "tests/crash/removal_power_cut.hpp"
#include "tests/support/eventually.hpp"

using namespace tests::crash;

TEST_CASE("a power cut while bodies are erased and expire: what was answered as gone stays gone") {
    std::size_t cuts = 0;
    for (std::uint64_t seed = 1; seed <= 12; ++seed)
        cuts += lose_power_while_bodies_go_and_compare(seed);
    MESSAGE("power cuts in the middle of a call: ", cuts);
    CHECK(cuts > 60);
}

TEST_CASE("what goes after an expiry that failed stays gone when the power goes") {
    bool expires_again = false;
    SUBCASE("erased") {}
    SUBCASE("expired by another one") {
        expires_again = true;
    }
    std::size_t failed = 0;
    for (std::uint64_t seed = 0; seed < 120; ++seed) {
        CAPTURE(seed);
        RemovalLives lives(seed);
        {
            auto journal = open_on(lives.disk);
            REQUIRE(journal.has_value());
            lives.append(**journal, 40);
            lives.disk.fail_call(1 + seed % 20);
            failed += !lives.expire_all(**journal);
            lives.disk.heal();
            // It may take a moment until the journal has a segment again that it can write to.
            REQUIRE(tests::eventually([&] {
                return expires_again ? lives.expire_all(**journal) : lives.erase_all(**journal);
            }));
        }
        lives.disk.cut();
        lives.disk.power_on();
        auto journal = open_on(lives.disk);
        REQUIRE_MESSAGE(journal.has_value(), (journal ? "" : journal.error().message));
        lives.compare_with(**journal);
        CHECK(lives.lost == 0);
        CHECK(lives.came_back == 0);
    }
    CHECK(failed > 20);  // in the others the call is made by another thread, or not at all
}
