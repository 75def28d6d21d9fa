// Rows of an earlier moment are kept for a short while only, whatever the wall clock does.
#include "consumers/time_travel.hpp"
#include "tests/support/said_world.hpp"

#include <thread>

using namespace tests;

namespace {

class SetClock final : public bus::Clock {
public:
    bus::Timestamp now() override { return time; }
    bus::Timestamp time{bus::seconds{10'000}};
};

}  // namespace

TEST_CASE("time travel: rows are not kept for longer by a clock that is set back") {
    World world;
    SetClock clock;
    const bus::milliseconds kept{20};
    consumers::TimeTravel past(world.setup(), clock, kept);
    const bus::TenantId tenant = tenant_in(0, 2);
    const projections::AsOf moment{.time = bus::Timestamp{bus::seconds{100}}};
    const auto said_then = [&](std::string_view text) {
        const auto rows = past.rows(tenant, moment);
        REQUIRE_MESSAGE(rows, rows.error().message);
        const auto view = (*rows)->view(tenant, "said");
        REQUIRE(view);
        return (*view)->get(Table::rows, text).has_value();
    };
    world.say("early");
    CHECK(said_then("early"));
    clock.time -= bus::seconds{9'000};
    world.say("received before that moment too");
    const auto give_up = std::chrono::steady_clock::now() + enough;
    while (!said_then("received before that moment too") &&
           std::chrono::steady_clock::now() < give_up)
        std::this_thread::sleep_for(bus::milliseconds{1});
    CHECK(said_then("received before that moment too"));
}
