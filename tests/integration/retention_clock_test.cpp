// Bodies expire by the wall clock only while it can be believed: one that jumps ahead takes none.
#include "bus/metrics.hpp"
#include "tests/support/operator_jobs.hpp"
#include "tests/support/running_platform.hpp"
#include "tools/retention/clock_belief.hpp"

#include <doctest/doctest.h>

#include <atomic>

using namespace tests;
using namespace std::chrono_literals;
using tools::retention::after_look;
using tools::retention::believing;
using tools::retention::ClockBelief;

namespace {

constexpr auto year = 365 * 24h;
constexpr bus::Timestamp noon{bus::seconds{1'790'000'000}};

class MovedClock final : public bus::Clock {
public:
    bus::Timestamp now() override { return bus::system_clock().now() + ahead.load(); }
    std::atomic<bus::microseconds> ahead{bus::microseconds{0}};
};

// A platform with one old message and a limit for its topic.
struct World {
    World() {
        const Tenant tenant = client().create_tenant("shop");
        const Source source = client().create_source(tenant, "meta_cloud", "wa", "secret");
        const Webhook sent =
            meta_message("wamid.1", "919800000001", "hello", 1'772'359'200, source.secret);
        REQUIRE(client().ingress("POST", source.path, sent.headers, sent.body).status / 100 == 2);
        REQUIRE(admin("PUT", R"({"topic":"chat","keep":"30d"})").status == 200);
    }
    ProductClient client() { return running.client(); }
    Answer admin(const std::string& method, const std::string& body) {
        return client().api(method, "/v1/retention", headers(), body);
    }
    Headers headers() { return operator_headers(running); }
    void restart_with(bus::microseconds ahead) {
        running.stop();
        clock.ahead = ahead;
        running.start();
    }
    // How many bodies go, or why none.
    std::string applied(const std::string& more = {}) {
        const Answer started = admin("POST", R"({"commit":true)" + more + "}");
        if (started.status != 202)
            return fmt::format("{} {}", started.status, Document(started).text("detail"));
        const Document report(report_of_job(running, started));
        return fmt::format("done {}", report["records"].scalar_text());
    }
    std::string doctor() { return client().api("GET", "/v1/operator/checks", headers()).body; }

    MovedClock clock;
    RunningPlatform running{{}, clock};
};

void check_waits(World& world) {
    const std::string refused = world.applied();
    CHECK_MESSAGE(refused.starts_with("409 the wall clock says "), refused);
    CHECK(refused.find("--trust-clock") != std::string::npos);
    CHECK(world.doctor().find("nothing expires for another 1440 min of uptime") !=
          std::string::npos);
    CHECK(bus::metrics::render().find("\nretention_pause_seconds 0\n") == std::string::npos);
}

}  // namespace

TEST_CASE(
    "retention: a clock that is a year ahead at start takes no bodies, nor once it is right") {
    World world;
    world.restart_with(year);
    check_waits(world);
    world.restart_with(0s);
    CHECK(world.applied() == "done 0");
    CHECK(bus::metrics::render().find("\nretention_pause_seconds 0\n") != std::string::npos);
}

TEST_CASE("retention: a clock that steps ahead while it serves takes no bodies") {
    World world;
    world.clock.ahead = year;
    check_waits(world);
    world.restart_with(year);
    check_waits(world);
    world.clock.ahead = 0s;
    CHECK(world.applied() == "done 0");
}

TEST_CASE("retention: without what was kept of the clock the newest record tells") {
    World world;
    world.running.stop();
    std::filesystem::remove(world.running.data() / "clock-seen");
    world.clock.ahead = year;
    world.running.start();
    check_waits(world);
}

TEST_CASE("retention: who says that the clock is right lets records expire") {
    World world;
    world.restart_with(year);
    check_waits(world);
    CHECK(world.applied(R"(,"trust_clock":true)") == "done 1");
    world.restart_with(year);
    CHECK(world.applied() == "done 0");
}

TEST_CASE("clock belief: what is seen for a day of uptime is believed, across restarts") {
    ClockBelief belief = after_look(believing(noon), noon + year, 1min);
    CHECK(belief.believed == noon + 1min);
    CHECK(belief.pause_left == 24h);
    belief = after_look(belief, noon + year + 23h, 23h);
    CHECK(belief.pause_left == 1h);
    const auto kept = tools::retention::parse_clock_belief(tools::retention::to_text(belief));
    REQUIRE(kept);
    CHECK(*kept == belief);
    CHECK(after_look(*kept, noon + year + 24h, 1h) == believing(noon + year + 24h));
}

TEST_CASE("clock belief: a second jump begins the day anew, a clock that is right ends it") {
    ClockBelief belief = after_look(believing(noon), noon + 30 * 24h, 1min);
    belief = after_look(belief, noon + 30 * 24h + 23h, 23h);
    CHECK(after_look(belief, noon + year, 1min).pause_left == 24h);
    CHECK(after_look(belief, noon + 24h, 1min) == believing(noon + 24h));
}

TEST_CASE("clock belief: back is believed, and as far ahead as uptime and a day explain") {
    CHECK(after_look(believing(noon), noon - year, 1min) == believing(noon - year));
    CHECK(after_look(believing(noon), noon + 34h, 10h) == believing(noon + 34h));
    CHECK(after_look(believing(noon), noon + 34h + 1s, 10h).pause_left == 24h);
}

TEST_CASE("clock belief: a text that is not whole tells nothing") {
    for (const std::string text :
         {"", "believed=2026-01-01T00:00:00Z\n", "seen=x\npause_left_us=0\n",
          "believed=2026-01-01T00:00:00Z\nseen=2026-01-01T00:00:00Z\n"
          "pause_left_us=-1\n"})
        CHECK_FALSE(tools::retention::parse_clock_belief(text));
}
