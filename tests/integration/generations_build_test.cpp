// A generation is built while the live one is served, and takes its place.
#include "tests/integration/generations_build_fixture.hpp"
#include "tests/support/eventually.hpp"

#include <thread>

using namespace build_test;

TEST_CASE("build: a generation beside the live one has the same bytes, and is fed from then on") {
    Beside beside;
    beside.say_many(500);
    beside.say_many(30, 1);
    beside.start(2);
    CHECK(beside.states() == "1 live, 2 building");
    REQUIRE(beside.build());
    CHECK(beside.states() == "1 live, 2 ready");
    CHECK(beside.rows_of(1).size() > 1'000);
    CHECK(beside.rows_of(2) == beside.rows_of(1));
    CHECK(beside.rows_of(2, 1) == beside.rows_of(1, 1));
    beside.say_many(50);
    CHECK(beside.rows_of(2) == beside.rows_of(1));
    CHECK_FALSE(fs::exists(building_directory(beside.world.setup(), 0, BuildScope::candidates)));
}

TEST_CASE("build: it catches up with what is said meanwhile") {
    Beside beside;
    beside.say_many(2'000);
    beside.start(2);
    std::atomic<bool> stop{false};
    std::thread sayer([&] {
        while (!stop) beside.world.say("meanwhile");
    });
    const auto built = beside.build();
    stop = true;
    sayer.join();
    REQUIRE(built);
    beside.say_many(1);
    CHECK(beside.rows_of(2) == beside.rows_of(1));
    CHECK(beside.rows_of(2).find("meanwhile") != std::string::npos);
}

TEST_CASE("build: on Kafka a record that comes meanwhile is no copy of itself") {
    Beside beside(true);
    beside.say_hashed("before", "k1");
    beside.say_hashed("before", "k1");
    beside.start(2);
    Watch watch;
    watch.meanwhile = [&] {
        beside.say_hashed("before", "k1");
        beside.say_hashed("meanwhile", "k2");
        beside.say_hashed("meanwhile", "k2");
    };
    REQUIRE(GenerationBuilds(beside.pool, BuildScope::candidates, small).build(watch, 1));
    CHECK(beside.states() == "1 live, 2 ready");
    CHECK(beside.rows_of(1).find("meanwhile\n1 ") != std::string::npos);
    CHECK(beside.rows_of(2) == beside.rows_of(1));
    const auto all = beside.pool.all_rows(0);
    REQUIRE(all);
    CHECK_FALSE(Beside::rows_under(all->catalogue.dedup(), *all).empty());
    CHECK(Beside::rows_under(0xFFFE, *all).empty());
    beside.say_hashed("meanwhile", "k2");
    beside.say_hashed("after", "k3");
    CHECK(beside.rows_of(2) == beside.rows_of(1));
}

TEST_CASE("build: stopped in between it continues, and a store that is opened again does too") {
    Beside beside;
    beside.say_many(9'000);
    beside.start(2);
    const auto stopped = beside.build(4'000);
    REQUIRE_FALSE(stopped);
    CHECK(stopped.error().code == bus::ErrorCode::cancelled);
    CHECK(beside.states() == "1 live, 2 building");
    Watch watch;
    REQUIRE(GenerationBuilds(beside.pool, BuildScope::candidates, small).build(watch, 1));
    CHECK(watch.done < 9'000);  // what was read before is not read again
    CHECK(beside.rows_of(2) == beside.rows_of(1));
}

TEST_CASE("build: switch, rollback and drop change what a reader gets, and nothing else") {
    Beside beside;
    beside.world.registry.add_mapping("loud");
    beside.say_many(10);
    beside.start(2, {.retakes = {{.latest = true, .stamps = {{shop, stamp, "loud"}}}}});
    REQUIRE(beside.build());
    const std::string before = beside.rows_of(1);
    beside.change([](auto& table) { table.make_live({"said", 2}); });
    CHECK(beside.states() == "1 retired, 2 live");
    beside.say_many(10);
    CHECK(beside.rows_of(1) == beside.rows_of(2));
    CHECK(beside.rows_of(1) != before);
    beside.change([](auto& table) { table.take_back({"said", 2}); });
    CHECK(beside.states() == "1 live, 2 ready");
    beside.change([](auto& table) { table.drop({"said", 2}); });
    CHECK(beside.states() == "1 live, 2 dropped");
    const std::string kept = beside.rows_of(1);
    REQUIRE(beside.pool.erase_dropped());
    CHECK(beside.states() == "1 live");
    CHECK(beside.rows_of(1) == kept);
}

TEST_CASE("build: what a dropped one filled goes with its rows") {
    Beside beside;
    beside.say_many(9'000);
    beside.start(2);
    REQUIRE_FALSE(beside.build(4'000));
    const fs::path filled = building_directory(beside.pool.setup(), 0, BuildScope::candidates);
    REQUIRE(fs::exists(filled));
    REQUIRE(beside.pool.erase_dropped());
    CHECK(fs::exists(filled));  // somebody may go on with it
    beside.change([](auto& table) { table.drop({"said", 2}); });
    REQUIRE(beside.pool.erase_dropped());
    CHECK_FALSE(fs::exists(filled));
}

TEST_CASE("build: a store that is lost is fed with every generation from the first record on") {
    World world;
    world.registry.change_generations([](schemas::GenerationTable& table) {
        table.start({"said", 2}, std::make_shared<const schemas::ReplaySpec>(), {});
        table.make_live({"said", 2});
        table.start({"said", 3}, std::make_shared<const schemas::ReplaySpec>(), {});
    });
    ProjectorPool pool(world.setup(), 2);
    REQUIRE(pool.wait_for(world.say("a"), enough).value_or(false));
    const auto catalogue = pool.catalogue(0);
    REQUIRE(catalogue);
    CHECK(catalogue->find({"said", 1})->state == GenerationState::retired);
    CHECK(catalogue->find({"said", 2})->state == GenerationState::live);
    CHECK(catalogue->find({"said", 3})->state == GenerationState::ready);
}

TEST_CASE("catalogue: of other code's rows the live ones are kept, a candidate begins anew") {
    World world;
    world.registry.change_generations([](schemas::GenerationTable& table) {
        table.start({"said", 2}, std::make_shared<const schemas::ReplaySpec>(), {});
        table.make_live({"said", 2});
        table.start({"said", 3}, std::make_shared<const schemas::ReplaySpec>(), {});
    });
    const auto table = world.registry.generations();
    const auto before = GenerationCatalogue::fresh(*table, wanted_projections(world.setup()));
    const SaidProjection changed(2);
    ProjectorSetup setup = world.setup();
    setup.projections[0] = &changed;
    const auto kept = before.reconciled(*table, wanted_projections(setup), true);
    CHECK_FALSE(kept.find({"said", 1}));
    CHECK(kept.find({"said", 2})->state == GenerationState::frozen);
    CHECK(kept.find({"said", 3})->state == GenerationState::building);
    CHECK(kept.find({"said", 3})->fingerprint != before.find({"said", 3})->fingerprint);
    CHECK(kept.in_state(GenerationState::dropped).size() == 2);

    const auto back = kept.reconciled(*table, wanted_projections(world.setup()), false);
    CHECK(back.find({"said", 3})->state == GenerationState::building);
    CHECK(back.find({"said", 3})->fingerprint == before.find({"said", 3})->fingerprint);
}

namespace {

// Sets the live store aside in the first step of the build, and waits for the new one, or until
// that is stopped by the log. A build that does not end is ended: `cancelled`.
bus::Result<bus::Done> build_while_begun_anew(Beside& beside, bool is_stopped = false) {
    Watch watch;
    const auto patience_ends = std::chrono::steady_clock::now() + 6 * enough;
    watch.stop_when = [&] { return std::chrono::steady_clock::now() > patience_ends; };
    watch.meanwhile = [&] {
        const auto instance = beside.pool.catalogue(0)->find({"said", 1})->instance;
        const std::string key =
            projections::complete_key(instance, tenant_in(0, 2), "never said before");
        {
            const auto writer = beside.pool.instance_writer(0);
            REQUIRE(writer);
            REQUIRE((*writer)->commit({{.table = 0, .key = key, .value = "no row"}}, "damage", ""));
        }
        beside.kafka.damaged = is_stopped;
        beside.said_last = beside.world.say("never said before");
        REQUIRE(
            eventually([&] { return fs::exists(beside.world.folder / "partition-0.corrupt-1"); }));
        REQUIRE(eventually([&] {
            const auto chat = bus::index(bus::Topic::chat);
            const PartitionStatus partition = beside.pool.status()[0];
            if (is_stopped) return partition.state == PartitionState::stopped;
            return partition.position.next[chat] >= beside.said_last.next[chat];
        }));
    };
    return GenerationBuilds(beside.pool, BuildScope::candidates, small).build(watch, 1);
}

}  // namespace

TEST_CASE("build: a store that is set aside meanwhile opens anew beside it, and gets the rows") {
    Beside beside;
    beside.say_many(300);
    beside.make_base();
    beside.say_many(50);
    beside.start(2);
    const auto built = build_while_begun_anew(beside);
    REQUIRE_MESSAGE(built, (built ? "" : built.error().message));
    CHECK(beside.rows_of(2) == beside.rows_of(1));
    CHECK(beside.differences() == 0);
}

TEST_CASE("build: live rows begun anew need not apply what the log has lost all of") {
    Beside beside(true);
    beside.say_many(300);
    beside.make_base();
    beside.said_last = beside.world.say("expired", 0, bus::Topic::email);
    REQUIRE(beside.pool.wait_for(beside.said_last, enough).value_or(false));
    beside.kafka.emptied = bus::Topic::email;
    beside.say_many(50);
    beside.start(2);
    const auto built = build_while_begun_anew(beside);
    REQUIRE_MESSAGE(built, (built ? "" : built.error().message));
    beside.say_many(10);
    CHECK(beside.rows_of(2) == beside.rows_of(1));
}

TEST_CASE("build: live rows begun anew that are stopped are not waited for") {
    Beside beside(true);
    beside.say_many(300);
    beside.make_base();
    beside.say_many(50);
    beside.start(2);
    const auto built = build_while_begun_anew(beside, true);
    REQUIRE_FALSE(built);
    CHECK(built.error().code == bus::ErrorCode::unavailable);
    CHECK(built.error().message.find("a damaged record") != std::string::npos);
}

TEST_CASE("build: nothing is moved into a store begun anew whose instances are others") {
    Beside beside;
    beside.say_many(300);
    beside.start(2);
    const auto built = build_while_begun_anew(beside);
    REQUIRE_FALSE(built);
    CHECK(built.error().code == bus::ErrorCode::unavailable);
    CHECK(beside.differences() == 0);
    REQUIRE(beside.build());
    CHECK(beside.rows_of(2) == beside.rows_of(1));
}

namespace {

// The live rows, which have the same request once.
std::string say_before_and_behind_a_base(Beside& beside) {
    beside.say_hashed("hello", "same request");
    beside.make_base();
    beside.say_hashed("hello", "same request");
    return beside.rows_of(1);
}

}  // namespace

TEST_CASE("build: a copy of what a base stands for is none the less a copy") {
    Beside beside(true);
    const std::string once = say_before_and_behind_a_base(beside);
    beside.start(2);
    REQUIRE(beside.build());
    CHECK(beside.rows_of(2) == once);
    CHECK(beside.differences() == 0);
}

namespace {

// As programs left it that began a build over a base without the hashes that it had seen.
void begin_without_hashes(const Beside& beside) {
    const ProjectorSetup& setup = beside.pool.setup();
    const auto catalogue = beside.pool.catalogue(0);
    REQUIRE(catalogue);
    const auto building = building_in(*catalogue, BuildScope::candidates);
    REQUIRE(building.size() == 1);
    const auto base = find_base(setup, 0);
    REQUIRE((base && *base));
    const auto side = projections::store::RowStore::open(
        {.directory = building_directory(setup, 0, BuildScope::candidates), .bulk = true},
        setup.shared);
    REQUIRE(side);
    REQUIRE((*side)->put_meta(
        "building", fmt::format("dedup 65534\n{} {} {} {}\nbase {}\n", building[0].name.projection,
                                building[0].name.number, building[0].instance,
                                building[0].fingerprint, (*base)->number)));
    REQUIRE(seed_from_base(setup, **base, building, **side));
    REQUIRE((*side)->checkpoint() == (*base)->position);
    REQUIRE((*side)->flush());
}

}  // namespace

TEST_CASE("build: one that began over a base without its hashes begins anew") {
    Beside beside(true);
    const std::string once = say_before_and_behind_a_base(beside);
    beside.start(2);
    begin_without_hashes(beside);
    REQUIRE(beside.build());
    CHECK(beside.rows_of(2) == once);
}

TEST_CASE("catalogue: its text is read as it was written, and nothing else") {
    World world;
    const auto wanted = wanted_projections(world.setup());
    const auto catalogue = GenerationCatalogue::fresh(schemas::GenerationTable{}, wanted);
    const auto again = GenerationCatalogue::parse(catalogue.text());
    REQUIRE(again);
    CHECK(again->text() == catalogue.text());
    for (const char* damaged : {"said number=1 instance=2 state=live\n",
                                "said number=x instance=2 state=live fingerprint=1\n",
                                "said number=1 instance=99999 state=live fingerprint=1\n",
                                "said number=1 instance=2 state=lively fingerprint=1\n"}) {
        CAPTURE(damaged);
        CHECK(GenerationCatalogue::parse(damaged).error().code == bus::ErrorCode::corrupt);
    }
}
