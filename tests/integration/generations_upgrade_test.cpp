// Rows that other code made are built anew, or kept where they cannot be.
#include "consumers/live_rebuild.hpp"
#include "consumers/open_base.hpp"
#include "tests/integration/generations_build_fixture.hpp"

using namespace build_test;

namespace {

// A row of every text that greets, made by which version; its types are those of `chat`.
class GreetingsProjection final : public projections::Projection {
public:
    explicit GreetingsProjection(std::uint32_t version) : GreetingsProjection(version, version) {}
    GreetingsProjection(std::uint32_t version, std::uint32_t goes_on_from)
        : version_(version), goes_on_from_(goes_on_from) {}
    std::string_view name() const override { return "greetings"; }
    std::uint32_t version() const override { return version_; }
    std::uint32_t goes_on_from() const override { return goes_on_from_; }
    std::span<const std::string_view> type_prefixes() const override {
        static constexpr std::string_view prefixes[] = {"chat."};
        return prefixes;
    }
    void fold(const schemas::Event& event, Rows& rows) const override {
        const std::string_view text = event.text(schemas::Field::text);
        if (text.starts_with("hello")) rows.put(Table::rows, text, std::to_string(version_));
    }

private:
    const std::uint32_t version_, goes_on_from_;
};

struct Upgrade {
    World world;
    const GreetingsProjection before{1}, changed{2};

    ProjectorSetup setup(const GreetingsProjection& greetings, OnChange on_change) const {
        ProjectorSetup setup = world.setup();
        setup.projections = {&greetings, &world.seen};
        setup.bases = world.folder / "bases";
        setup.on_change = on_change;
        return setup;
    }
    // Then one greets in the log.
    void expire(std::string_view text, bus::Topic topic) {
        ProjectorPool pool(setup(before, OnChange::refuse), 1);
        const bus::Position expired = world.say(text, 0, topic);
        REQUIRE(pool.wait_for(expired, enough).value_or(false));
        make_base(pool, expired);
        REQUIRE(pool.wait_for(world.say("hello"), enough).value_or(false));
    }
    // Which version made the row that is read.
    static std::string greeting(const ProjectorPool& pool, std::string_view text = "hello") {
        const auto shown = pool.snapshot(0, "greetings", tenant_in(0, 2));
        if (!shown) return shown.error().message;
        return shown->rows
            ->get(0, projections::complete_key(shown->instance, tenant_in(0, 2), text))
            .value_or("nothing");
    }
    static bool rebuild(ProjectorPool& pool) {
        REQUIRE(pool.wait_opened(enough));
        Watch watch;
        return rebuild_live(pool, small, watch, [](const std::string&) {}).has_value();
    }
};

}  // namespace

TEST_CASE("build: a projection whose code changed is built while the others are served") {
    World world;
    {
        ProjectorPool pool(world.setup(), 2);
        bus::Position last;
        for (int i = 0; i < 300; ++i) last = world.say(fmt::format("text {}", i % 7));
        REQUIRE(pool.wait_for(last, enough).value_or(false));
    }
    const SaidProjection changed(2);
    ProjectorSetup setup = world.setup();
    setup.projections[0] = &changed;
    ProjectorPool pool(setup, 2);
    REQUIRE(pool.wait_opened(enough));
    ReadAccess access(pool, 2);
    const auto refused = access.view(tenant_in(0, 2), "said");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == bus::ErrorCode::unavailable);
    CHECK(refused.error().message.find("built anew") != std::string::npos);
    CHECK(access.view(tenant_in(0, 2), "seen"));
    CHECK(pool.wait_for(world.say("text 1"), enough).value_or(false));
    Watch watch;
    REQUIRE(GenerationBuilds(pool, BuildScope::live, small).build(watch, 1));
    auto view = access.view(tenant_in(0, 2), "said");
    REQUIRE(view);
    CHECK((*view)->get(Table::rows, "text 1").value_or("").find("\n44 ") != std::string::npos);
}

TEST_CASE("build: changed code of which nothing has expired is built anew over a base") {
    Upgrade upgrade;
    upgrade.expire("a page", bus::Topic::web);
    {
        ProjectorPool pool(upgrade.setup(upgrade.changed, OnChange::rebuild), 1);
        CHECK(Upgrade::rebuild(pool));
        CHECK(Upgrade::greeting(pool) == "2");
        const bus::Position last = upgrade.world.say("a text");
        REQUIRE(pool.wait_for(last, enough).value_or(false));
        make_base(pool, last);
    }
    ProjectorPool pool(upgrade.setup(upgrade.changed, OnChange::refuse), 1);
    CHECK(pool.wait_for(upgrade.world.say("hello again"), enough).value_or(false));
    CHECK(Upgrade::greeting(pool) == "2");
}

TEST_CASE("build: changed code that goes on from the rows of before begins with those of a base") {
    Upgrade upgrade;
    upgrade.expire("hello there", bus::Topic::chat);
    const GreetingsProjection goes_on{3, 1};
    ProjectorPool pool(upgrade.setup(goes_on, OnChange::rebuild), 1);
    CHECK(Upgrade::rebuild(pool));
    CHECK(Upgrade::greeting(pool, "hello there") == "1");
    CHECK(Upgrade::greeting(pool) == "3");
}

Base base_of(const ProjectorPool& pool) {
    const auto base = find_base(pool.setup(), 0);
    REQUIRE(base);
    REQUIRE(*base);
    return **base;
}

// Values that the base has, in its rows and entries.
std::uint64_t values_in(const projections::store::Snapshot& rows) {
    std::uint64_t found = 0;
    for (std::uint8_t table = 0; table < 2; ++table)
        rows.scan(table, "", "", false, [&](std::string_view, std::string_view) {
            found += 1;
            return true;
        });
    CHECK_FALSE(rows.failure());
    return found;
}

TEST_CASE("build: a base that is open twice is whole for each, whoever closes first") {
    Upgrade upgrade;
    upgrade.expire("hello there", bus::Topic::chat);
    ProjectorPool pool(upgrade.setup(upgrade.before, OnChange::refuse), 1);
    REQUIRE(pool.wait_opened(enough));
    const Base base = base_of(pool);
    auto first = std::optional(OpenBase::open(pool.setup(), base));
    REQUIRE_MESSAGE(*first, (*first ? "" : first->error().message));
    const auto second = OpenBase::open(pool.setup(), base);
    REQUIRE_MESSAGE(second, (second ? "" : second.error().message));
    const auto seed_folders = [&] {
        return std::count_if(fs::directory_iterator(pool.setup().stores), {},
                             [](const auto& entry) { return entry.path().extension() == ".seed"; });
    };
    CHECK(seed_folders() == 2);
    CHECK(values_in(*(*first)->snapshot()) == 2);  // a greeting, a seen record
    first.reset();
    CHECK(seed_folders() == 1);
    CHECK(values_in(*second->snapshot()) == 2);
}

TEST_CASE("build: a base that goes while it is copied is none to begin with") {
    Upgrade upgrade;
    upgrade.expire("hello there", bus::Topic::chat);
    ProjectorPool pool(upgrade.setup(upgrade.before, OnChange::refuse), 1);
    REQUIRE(pool.wait_opened(enough));
    const Base base = base_of(pool);
    fs::remove(base.directory / base_note_name);  // as somebody who removes all of it
    const auto opened = OpenBase::open(pool.setup(), base);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == bus::ErrorCode::unavailable);
}

TEST_CASE("build: rows that cannot be made anew are there until somebody decides") {
    Upgrade upgrade;
    SUBCASE("what expired gave rows") {
        upgrade.expire("hello there", bus::Topic::chat);
    }
    SUBCASE("what expired gave none, and might with other code") {
        upgrade.expire("a text", bus::Topic::chat);
    }
    SUBCASE("a row came from the topic of other types") {
        upgrade.expire("hello page", bus::Topic::web);
    }
    {
        ProjectorPool pool(upgrade.setup(upgrade.changed, OnChange::rebuild), 1);
        CHECK_FALSE(Upgrade::rebuild(pool));
        const PartitionStatus status = pool.status()[0];
        CHECK(status.store_refused);
        CHECK_MESSAGE(status.reason.find("--on-change keep") != std::string::npos, status.reason);
    }
    const auto way_out = [&](const GreetingsProjection& greetings, OnChange on_change) {
        ProjectorPool pool(upgrade.setup(greetings, on_change), 1);
        CHECK(Upgrade::rebuild(pool));
        CHECK(Upgrade::greeting(pool) == "1");
    };
    way_out(upgrade.before, OnChange::refuse);
    way_out(upgrade.changed, OnChange::keep);
    way_out(upgrade.before, OnChange::rebuild);
}

TEST_CASE("build: how far one was is forgotten together with its rows") {
    World world;
    const SaidProjection changed(2);
    ProjectorSetup setups[] = {world.setup(), world.setup()};
    setups[1].projections[0] = &changed;
    {
        ProjectorPool pool(setups[0], 1);
        REQUIRE(pool.wait_for(world.say("before"), enough).value_or(false));
    }
    const auto with = [&](const ProjectorSetup& setup, const auto& stop_when) {
        ProjectorPool pool(setup, 1);
        REQUIRE(pool.wait_opened(enough));
        REQUIRE(pool.erase_dropped());
        Watch watch;
        watch.stop_when = [&] { return stop_when(pool); };
        (void)GenerationBuilds(pool, BuildScope::live, small).build(watch, 1);
        const auto shown = pool.snapshot(0, "said", tenant_in(0, 2));
        if (!shown) return shown.error().message;
        return shown->rows
            ->get(0, projections::complete_key(shown->instance, tenant_in(0, 2), "before"))
            .value_or("nothing");
    };
    const auto has_moved_rows = [](const ProjectorPool& pool) {
        return !(*pool.instance_writer(0))->get_meta("rebuilding")->value_or("").empty();
    };
    CHECK(with(setups[1], has_moved_rows).find("built anew") != std::string::npos);
    CHECK(with(setups[0], [](const ProjectorPool&) { return true; }).find("built anew") !=
          std::string::npos);
    CHECK(with(setups[1], [](const ProjectorPool&) { return false; }).starts_with("before\n1 "));
}

TEST_CASE("build: what other code made is built anew once what stops it has passed") {
    Beside beside(true);
    beside.say_many(300);
    beside.pool.stop();
    const SaidProjection changed(2);
    const ProjectorSetup before = beside.setup(true);
    ProjectorPool pool({.log = before.log,
                        .registry = before.registry,
                        .projections = {&changed, before.projections[1]},
                        .stores = before.stores,
                        .shared = before.shared,
                        .memtable_bytes = before.memtable_bytes},
                       2);
    REQUIRE(pool.wait_opened(enough));
    REQUIRE(needs_live_rebuild(pool));
    beside.kafka.offsets_away = true;
    Watch watch;
    int waited = 0;
    const auto built = rebuild_live(pool, small, watch, [&](const std::string&) {
        ++waited;
        beside.kafka.offsets_away = false;
    });
    REQUIRE_MESSAGE(built.has_value(), (built ? "" : built.error().message));
    CHECK(waited > 0);
    CHECK_FALSE(needs_live_rebuild(pool));
    CHECK(pool.snapshot(0, "said", tenant_in(0, 2)).has_value());
}

TEST_CASE("build: a rebuild that waits ends when it is told to") {
    Beside beside(true);
    beside.say_many(1);
    beside.pool.stop();
    beside.kafka.offsets_away = true;
    ProjectorPool pool(beside.setup(true), 2);
    REQUIRE(pool.wait_opened(enough));  // tried, and refused
    CHECK(needs_live_rebuild(pool));
    Watch watch;
    const auto stopped =
        rebuild_live(pool, small, watch, [&](const std::string&) { watch.stop_after = 0; });
    REQUIRE_FALSE(stopped.has_value());
    CHECK(stopped.error().code == bus::ErrorCode::cancelled);
}

TEST_CASE("build: rows of what Kafka has lost are there until somebody decides") {
    World world;
    KafkaLike kafka(*world.log);
    const GreetingsProjection before{1}, changed{2};
    const auto pool_of = [&](const GreetingsProjection& greetings, OnChange on_change) {
        ProjectorSetup setup = world.setup_on(kafka);
        setup.projections = {&greetings, &world.seen};
        setup.on_change = on_change;
        return std::make_unique<ProjectorPool>(setup, 1);
    };
    {
        const auto pool = pool_of(before, OnChange::refuse);
        REQUIRE(pool->wait_for(world.say("hello"), enough).value_or(false));
    }
    kafka.expired = true;
    {
        const auto pool = pool_of(changed, OnChange::rebuild);
        CHECK_FALSE(Upgrade::rebuild(*pool));
        const PartitionStatus status = pool->status()[0];
        CHECK(status.store_refused);
        CHECK_MESSAGE(status.reason.find("from offset 1 on only") != std::string::npos,
                      status.reason);
    }
    {
        const auto pool = pool_of(changed, OnChange::keep);
        REQUIRE(pool->wait_opened(enough));
        CHECK(Upgrade::greeting(*pool) == "1");
    }
    fs::remove_all(world.folder / "partition-0");
    const auto pool = pool_of(changed, OnChange::rebuild);
    REQUIRE(pool->wait_opened(enough));
    CHECK(pool->status()[0].state == PartitionState::running);
}
