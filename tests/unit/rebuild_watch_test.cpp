#include "tools/replay/rebuild_watch.hpp"

#include "tests/support/eventually.hpp"

#include <doctest/doctest.h>

#include <atomic>

using namespace std::chrono_literals;

TEST_CASE("rebuild watch: what a store lacks is built, as soon as no other job is in the way") {
    std::atomic<std::uint64_t> rebuilt{2};  // attended to by the start
    std::atomic<int> refusals_left{3}, started{0};
    const tools::replay::RebuildWatch watch({[&] { return rebuilt.load(); },
                                             [&] {
                                                 if (refusals_left-- > 0) return false;
                                                 ++started;
                                                 return true;
                                             }},
                                            1ms);
    CHECK_FALSE(tests::eventually([&] { return refusals_left < 3; }, 50ms));
    rebuilt = 3;
    CHECK(tests::eventually([&] { return started == 1; }));
    CHECK(refusals_left < 0);
    CHECK_FALSE(tests::eventually([&] { return started > 1; }, 50ms));
    rebuilt = 5;
    CHECK(tests::eventually([&] { return started == 2; }));
}
