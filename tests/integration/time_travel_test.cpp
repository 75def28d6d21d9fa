// Rows of an earlier moment: who gets them when many ask, and for how long they are kept.
#include "consumers/time_travel.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/gated_log.hpp"
#include "tests/support/said_world.hpp"

#include <future>
#include <limits>

using namespace tests;

using PastRows = bus::Result<std::shared_ptr<const projections::PastRows>>;

namespace {

class SetClock final : public bus::Clock {
public:
    bus::Timestamp now() override { return time; }
    bus::Timestamp time{bus::seconds{10'000}};
};

// Two tenants with records, in a log that does not let them be read.
struct Busy {
    World world;
    GatedLog log{*world.log};
    SetClock clock;
    consumers::TimeTravel past;
    const bus::TenantId first = tenant_in(0, 2);
    const bus::TenantId second = tenant_in(1, 2);

    explicit Busy(const consumers::PastLimits& limits) : past(world.setup_on(log), clock, limits) {
        for (const bus::PartitionId partition : {0, 0, 0, 1}) world.say("hello", partition);
    }
    ~Busy() { log.gate.open(); }

    static bool shows(const PastRows& rows, bus::TenantId tenant, std::string_view text) {
        REQUIRE_MESSAGE(rows, rows.error().message);
        const auto view = (*rows)->view(tenant, "said");
        REQUIRE(view);
        return (*view)->get(Table::rows, text).has_value();
    }
    PastRows rows(bus::TenantId tenant, int moment_s) {
        return past.rows(tenant, {.time = bus::Timestamp{bus::seconds{moment_s}}});
    }
    // Asks on a thread of its own, and has begun to fold or to wait when this returns.
    std::future<PastRows> ask(bus::TenantId tenant, int moment_s) {
        const std::size_t before = past.asking();
        auto asked = std::async(std::launch::async, [=, this] { return rows(tenant, moment_s); });
        CHECK(eventually([&] { return past.asking() > before; }));
        CHECK(past.asking() == before + 1);
        return asked;
    }
};

// A log that cannot be read for want of memory, as long as `is_short`.
class ShortOfMemory final : public ForwardingLog {
public:
    using ForwardingLog::ForwardingLog;
    bus::Result<std::unique_ptr<bus::Reader>> open_reader(
        const bus::ReaderOptions& options) override {
        if (is_short) throw std::bad_alloc();
        return ForwardingLog::open_reader(options);
    }
    bool is_short = true;
};

void check_refused(const PastRows& rows, bus::ErrorCode code) {
    REQUIRE_FALSE(rows);
    CHECK(rows.error().code == code);
}

}  // namespace

TEST_CASE("time travel: rows are not kept for longer by a clock that is set back") {
    World world;
    SetClock clock;
    consumers::TimeTravel past(world.setup(), clock, {.moment_kept = bus::milliseconds{20}});
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
    CHECK(eventually([&] { return said_then("received before that moment too"); }));
}

TEST_CASE("time travel: while one moment is folded, kept ones are there and others try again") {
    Busy busy({.wait_max = bus::milliseconds{1}});
    REQUIRE(busy.rows(busy.first, 100));
    busy.log.gate.shut();
    auto folded = busy.ask(busy.first, 101);
    REQUIRE(busy.log.gate.wait_for_somebody());
    check_refused(busy.rows(busy.second, 102), bus::ErrorCode::unavailable);
    CHECK(busy.rows(busy.first, 100));
    CHECK(busy.log.gate.is_shut());
    busy.log.gate.open();
    CHECK(folded.get());
    CHECK(busy.rows(busy.second, 102));
}

TEST_CASE("time travel: no more threads wait for the past than may, of one tenant fewer") {
    Busy busy({.wait_max = enough, .asking_max = 3, .tenant_asking_max = 2});
    busy.log.gate.shut();
    std::vector<std::future<PastRows>> asked;
    for (const int moment_s : {100, 101}) asked.push_back(busy.ask(busy.first, moment_s));
    check_refused(busy.rows(busy.first, 100), bus::ErrorCode::unavailable);
    asked.push_back(busy.ask(busy.second, 102));
    check_refused(busy.rows(busy.second, 103), bus::ErrorCode::unavailable);
    CHECK(busy.log.gate.is_shut());
    busy.log.gate.open();
    for (auto& one : asked) CHECK(one.get());
}

TEST_CASE("time travel: who was folded last lets others pass") {
    Busy busy({.wait_max = enough});
    busy.log.gate.shut();
    std::vector<std::future<PastRows>> asked;
    for (const int moment_s : {100, 101}) asked.push_back(busy.ask(busy.first, moment_s));
    asked.push_back(busy.ask(busy.second, 102));
    busy.log.gate.open();
    for (auto& one : asked) CHECK(one.get());
    CHECK(busy.log.opened() == std::vector<bus::PartitionId>{0, 1, 0});
}

TEST_CASE("time travel: a moment that many ask for is folded once for all of them") {
    Busy busy({.wait_max = enough});
    busy.log.gate.shut();
    auto one = busy.ask(busy.first, 100);
    auto other = busy.ask(busy.first, 100);
    busy.log.gate.open();
    const PastRows rows = one.get();
    REQUIRE(rows);
    CHECK(*rows == other.get().value_or(nullptr));
    CHECK(busy.log.opened().size() == 1);
}

TEST_CASE("time travel: a fold that an erasure meets is given to nobody who asks later") {
    Busy busy({.wait_max = enough});
    busy.log.gate.shut();
    auto before = busy.ask(busy.first, 100);
    busy.past.forget();
    busy.log.gate.open();
    REQUIRE(before.get());
    REQUIRE(busy.rows(busy.first, 100));
    CHECK(busy.log.opened().size() == 2);
}

TEST_CASE("time travel: a stop ends the fold after its batch, and all that wait") {
    Busy busy({.wait_max = enough});
    busy.log.gate.shut();
    auto folded = busy.ask(busy.first, 100);
    REQUIRE(busy.log.gate.wait_for_somebody());
    auto waits = busy.ask(busy.second, 101);
    busy.past.stop();
    check_refused(waits.get(), bus::ErrorCode::cancelled);
    check_refused(busy.rows(busy.second, 101), bus::ErrorCode::cancelled);
    CHECK(busy.log.gate.is_shut());
    busy.log.gate.open();
    check_refused(folded.get(), bus::ErrorCode::cancelled);
    CHECK(busy.log.gate.passed() == 1);
}

TEST_CASE("time travel: rows say which records they show, and of what time they are") {
    Busy busy({});
    bus::Position shown{.partition = 0};
    shown[bus::Topic::chat] = 2;
    for (const projections::AsOf& as_of :
         {projections::AsOf{.time = bus::Timestamp{bus::seconds{1}}},
          projections::AsOf{.position = shown}}) {
        const auto rows = busy.past.rows(busy.first, as_of);
        REQUIRE(rows);
        CHECK((*rows)->position() == shown);
        CHECK((*rows)->time() == bus::Timestamp{bus::seconds{1}});
    }
    const auto nothing = busy.past.rows(busy.first, {.position = bus::Position{.partition = 0}});
    REQUIRE(nothing);
    CHECK((*nothing)->time() == busy.clock.now());
}

TEST_CASE("time travel: a log that gives nothing at first is waited for") {
    Busy busy({});
    busy.log.empty_polls = 3;
    CHECK(Busy::shows(busy.rows(busy.first, 100), busy.first, "hello"));
}

TEST_CASE("time travel: a log that gives nothing at all is no empty past") {
    Busy busy({.fold_max = bus::milliseconds{20}});
    busy.log.empty_polls = std::numeric_limits<int>::max();
    check_refused(busy.rows(busy.first, 100), bus::ErrorCode::unavailable);
}

TEST_CASE("time travel: what comes while a moment is folded pushes nothing out of it") {
    Busy busy({.wait_max = enough});
    busy.world.say("in the last topic", 0, bus::Topic::course);
    busy.log.gate.shut();
    auto asked = busy.ask(busy.first, 100);
    REQUIRE(busy.log.gate.wait_for_somebody());
    for (int i = 0; i < 8; ++i) busy.world.say("meanwhile");
    busy.log.gate.open();
    const PastRows rows = asked.get();
    CHECK(Busy::shows(rows, busy.first, "hello"));
    CHECK(Busy::shows(rows, busy.first, "in the last topic"));
    CHECK_FALSE(Busy::shows(rows, busy.first, "meanwhile"));
}

TEST_CASE("time travel: where memory runs out whoever waits is told, and the next one is folded") {
    World world;
    world.say("hello");
    ShortOfMemory log(*world.log);
    SetClock clock;
    consumers::TimeTravel past(world.setup_on(log), clock);
    const bus::TenantId tenant = tenant_in(0, 2);
    const projections::AsOf moment{.time = bus::Timestamp{bus::seconds{100}}};
    check_refused(past.rows(tenant, moment), bus::ErrorCode::unavailable);
    CHECK(past.asking() == 0);
    log.is_short = false;
    CHECK(Busy::shows(past.rows(tenant, moment), tenant, "hello"));
}
