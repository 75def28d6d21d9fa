#include "tests/crash/spool_power_cut.hpp"

using namespace tests::crash;

TEST_CASE(
    "a power cut loses nothing that a spool answered, keeps the order, and brings back nothing "
    "that was marked as forwarded") {
    std::size_t cuts = 0;
    for (std::uint64_t seed = 1; seed <= 12; ++seed)
        cuts += lose_power_of_a_spool_and_compare(seed);
    MESSAGE("power cuts in the middle of a call: ", cuts);
    CHECK(cuts > 60);
}
