#include "consumers/fresh_fold.hpp"
#include "consumers/live_rebuild.hpp"
#include "consumers/read_access.hpp"

#include "tests/support/eventually.hpp"
#include "tests/support/forwarding_log.hpp"
#include "tests/support/kafka_like.hpp"
#include "tests/support/said_world.hpp"

#include <atomic>
#include <fstream>
#include <thread>

using namespace consumers;
using namespace tests;
using schemas::GenerationName;

namespace {

class Watch final : public BuildWatch {
public:
    void advance(std::uint64_t records) override {
        done += records;
        if (const auto say = std::exchange(meanwhile, nullptr)) say();
    }
    bool go_on() override { return done < stop_after && !(stop_when && stop_when()); }
    std::atomic<std::uint64_t> done{0};
    std::uint64_t stop_after = ~std::uint64_t{0};
    std::function<bool()> stop_when;
    std::function<void()> meanwhile;  // once, after the first step
};

constexpr std::string_view loud_text = "LOUD";

// What it maps is another text than what other mappings give.
class LoudMapping final : public support::TextMapping {
public:
    LoudMapping() : TextMapping("loud") {}
    const schemas::Mapped& map(const bus::RecordView& record, const bus::Envelope& envelope,
                               std::string_view source_slug,
                               schemas::Scratch& scratch) const override {
        thread_local schemas::Mapped mapped;
        mapped = TextMapping::map(record, envelope, source_slug, scratch);
        mapped.events.front().fields.front().second.text = loud_text;
        return mapped;
    }
};

// A log whose partitions fail as they are told to: who reads already, and who begins to.
class FailingLog final : public ForwardingLog {
public:
    using ForwardingLog::ForwardingLog;

    bus::Result<std::unique_ptr<bus::Reader>> open_reader(
        const bus::ReaderOptions& options) override {
        if (beginning[options.partition] != bus::ErrorCode::not_found)
            return error(beginning, options.partition);
        auto reader = ForwardingLog::open_reader(options);
        if (!reader) return reader.error();
        return std::unique_ptr<bus::Reader>(
            std::make_unique<FailingReader>(*std::move(reader), *this, options.partition));
    }

    using Errors = std::array<std::atomic<bus::ErrorCode>, 2>;  // not_found: none
    Errors reading{bus::ErrorCode::not_found, bus::ErrorCode::not_found};
    Errors beginning{bus::ErrorCode::not_found, bus::ErrorCode::not_found};

private:
    static bus::Error error(const Errors& errors, bus::PartitionId partition) {
        return bus::fail(errors.at(partition), "partition {} fails", partition);
    }

    class FailingReader final : public bus::Reader {
    public:
        FailingReader(std::unique_ptr<bus::Reader> reader, const FailingLog& log,
                      bus::PartitionId partition)
            : reader_(std::move(reader)), log_(log), partition_(partition) {}
        bus::Result<bus::RecordBatch> poll(std::size_t records, std::size_t bytes) override {
            if (log_.reading[partition_] != bus::ErrorCode::not_found)
                return error(log_.reading, partition_);
            return reader_->poll(records, bytes);
        }

    private:
        const std::unique_ptr<bus::Reader> reader_;
        const FailingLog& log_;
        const bus::PartitionId partition_;
    };
};

constexpr BuildLimits small{.free_bytes_min = 1 << 20, .memtable_bytes = 1 << 20};

// What is before `end` is in no log from then on, as far as folds of the first partition know.
void make_base(const ProjectorPool& pool, const bus::Position& end) {
    const fs::path making = pool.setup().bases / "partition-0.making";
    fs::create_directories(making);
    const auto catalogue = pool.catalogue(0);
    REQUIRE(catalogue);
    auto fold = FreshFold::begin(pool.setup(), 0, *catalogue, std::nullopt, making);
    REQUIRE_MESSAGE(fold.has_value(), (fold ? "" : fold.error().message));
    Watch watch;
    REQUIRE((*fold)->fold_until(end, watch));
    const std::uint64_t number = (*fold)->base() ? (*fold)->base()->number + 1 : 1;
    REQUIRE((*fold)->keep());
    std::ofstream(making / base_note_name) << base_note(
        {.directory = making, .number = number, .position = end, .catalogue = *catalogue});
    fs::rename(making, pool.setup().bases / base_name(0, number));
}

struct Beside {
    World world;
    KafkaLike kafka{*world.log};
    ProjectorPool pool;
    bus::Position said_last{};

    explicit Beside(bool on_kafka = false) : pool(setup(on_kafka), 2) {
        REQUIRE(pool.wait_opened(enough));
    }

    ProjectorSetup setup(bool on_kafka) {
        const ProjectorSetup usual = world.setup();
        return {.log = on_kafka ? static_cast<bus::Log&>(kafka) : usual.log,
                .registry = usual.registry,
                .projections = usual.projections,
                .stores = usual.stores,
                .shared = usual.shared,
                .memtable_bytes = usual.memtable_bytes,
                .bases = world.folder / "bases"};
    }
    void say_as(bus::TenantId tenant, std::string_view text) {
        said_last =
            world.say(text, 0, bus::Topic::chat, stamp, bus::raw_event_type, std::nullopt, tenant);
        REQUIRE(pool.wait_for(said_last, enough).value_or(false));
    }
    void say_hashed(std::string_view text, std::string_view hash) {
        said_last = world.say(text, 0, bus::Topic::chat, stamp, bus::raw_event_type,
                              World::Dedup{hash, "hash", "3600"});
        REQUIRE(pool.wait_for(said_last, enough).value_or(false));
    }
    void say_many(int count, bus::PartitionId partition = 0) {
        for (int i = 0; i < count; ++i)
            said_last = world.say(fmt::format("text {}", i % 37), partition);
        REQUIRE(pool.wait_for(said_last, enough).value_or(false));
    }
    void start(std::uint32_t number, schemas::ReplaySpec spec = {}) {
        change([&](schemas::GenerationTable& table) {
            table.start({"said", number}, std::make_shared<const schemas::ReplaySpec>(spec), {});
        });
    }
    void change(const std::function<void(schemas::GenerationTable&)>& how) {
        world.registry.change_generations(how);
        REQUIRE(pool.reconcile_generations());
    }
    bus::Result<bus::Done> build(std::uint64_t stop_after = ~std::uint64_t{0}) {
        Watch watch;
        watch.stop_after = stop_after;
        return GenerationBuilds(pool, BuildScope::candidates, small).build(watch, 2);
    }
    // "1 live, 2 ready" of the first partition.
    std::string states() const {
        std::string out;
        const auto catalogue = pool.catalogue(0);
        REQUIRE(catalogue);
        for (const StoredGeneration& one : catalogue->all())
            if (one.name.projection == "said")
                out += fmt::format("{}{} {}", out.empty() ? "" : ", ", one.name.number,
                                   name(one.state));
        return out;
    }
    // Every row of a generation, without the instance in front.
    std::string rows_of(std::uint32_t number, bus::PartitionId partition = 0) const {
        const auto all = pool.all_rows(partition);
        REQUIRE(all);
        const StoredGeneration* one = all->catalogue.find({"said", number});
        return one ? rows_under(one->instance, *all) : "gone";
    }
    static std::string rows_under(projections::InstanceId instance,
                                  const ProjectorPool::AllRows& all) {
        const std::string prefix = instance_prefix(instance);
        std::string out;
        for (std::uint8_t table = 0; table < projections::table_count; ++table)
            all.rows->scan(table, prefix, projections::prefix_end(prefix), false,
                           [&](std::string_view key, std::string_view value) {
                               out += fmt::format("{} {} = {}\n", table, key.substr(prefix.size()),
                                                  value);
                               return true;
                           });
        return out;
    }
    std::string rows_of(std::uint32_t number, bus::TenantId tenant) const {
        const auto all = pool.all_rows(0);
        REQUIRE(all);
        const StoredGeneration* one = all->catalogue.find({"said", number});
        REQUIRE(one);
        return all->rows->get(0, projections::complete_key(one->instance, tenant, loud_text))
            .value_or("not loud");
    }
    void make_base() const { ::make_base(pool, said_last); }
    // Of the live rows against those that the base and the log give.
    std::uint64_t differences() const {
        const auto live = pool.all_rows(0);
        REQUIRE(live);
        auto fold = FreshFold::begin(pool.setup(), 0, live->catalogue, std::nullopt,
                                     world.folder / "partition-0.verify");
        REQUIRE_MESSAGE(fold.has_value(), (fold ? "" : fold.error().message));
        Watch watch;
        REQUIRE((*fold)->fold_until(live->rows->checkpoint(), watch));
        std::uint64_t found = 0;
        REQUIRE((*fold)->compare(*live->rows, [&](const RowDifference&) { return ++found > 0; }));
        return found;
    }
    std::string read(std::string_view text, bus::PartitionId partition = 0) {
        ReadAccess access(pool, 2);
        auto view = access.view(tenant_in(partition, 2), "said");
        REQUIRE(view);
        return (*view)->get(Table::rows, text).value_or("nothing");
    }
};

}  // namespace

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

TEST_CASE("build: the rows of one tenant go live for it alone") {
    Beside beside;
    beside.say_many(20);
    beside.say_many(20, 1);
    beside.start(2, {.tenant = tenant_in(0, 2)});
    REQUIRE(beside.build());
    CHECK(beside.rows_of(2) == beside.rows_of(1));
    CHECK(beside.rows_of(2, 1).empty());
    beside.change([](auto& table) { table.make_live({"said", 2}); });
    CHECK(beside.states() == "1 live, 2 live");
    CHECK(beside.read("text 1", 1) != "nothing");
    CHECK(beside.read("text 1") != "nothing");
    const auto catalogue = beside.pool.catalogue(0);
    CHECK(catalogue->shown("said", tenant_in(0, 2))->name.number == 2);
    CHECK(catalogue->shown("said", tenant_in(1, 2))->name.number == 1);
}

struct MendedForOne : Beside {
    const bus::TenantId mended = tenant_in(0, 2);
    const bus::TenantId other = tenant_in(0, 2, mended);

    MendedForOne() {
        world.registry.add_mapping(std::make_shared<LoudMapping>());
        for (const bus::TenantId tenant : {mended, other}) say_as(tenant, "hello");
        start(2,
              {.tenant = mended, .retakes = {{.latest = true, .stamps = {{shop, stamp, "loud"}}}}});
        REQUIRE(build());
    }
    void make_live(std::uint32_t number) {
        change([&](auto& table) { table.make_live({"said", number}); });
    }
    void drop(const std::vector<std::uint32_t>& numbers) {
        change([&](auto& table) {
            for (const std::uint32_t number : numbers) table.drop({"said", number});
        });
        REQUIRE(pool.erase_dropped());
    }
    void check_mended(std::uint32_t number) const {
        CHECK(rows_of(number, mended).starts_with("LOUD\n1 "));
        CHECK(rows_of(number, other) == "not loud");
        CHECK(rows_of(number).find("hello") != std::string::npos);
        CHECK(differences() == 0);
    }
};

TEST_CASE("build: rows of expired records are those that each tenant read before") {
    MendedForOne one;
    SUBCASE("its own were live when the base was made") {
        one.make_live(2);
        one.make_base();
    }
    SUBCASE("its own went live after the base was made") {
        one.make_base();
        one.make_live(2);
    }
    one.start(3);
    REQUIRE(one.build());
    one.check_mended(3);
    one.make_live(3);
    one.drop({1, 2});
    one.check_mended(3);
    one.make_base();
    one.check_mended(3);
    one.start(4, {.tenant = one.mended});
    REQUIRE(one.build());
    CHECK(one.rows_of(4, one.mended) == one.rows_of(3, one.mended));
}

TEST_CASE("build: rows that were taken back are nobody's, whatever the base has of them") {
    MendedForOne one;
    one.make_live(2);
    one.make_base();
    one.change([](auto& table) { table.take_back({"said", 2}); });
    one.drop({2});
    one.start(3);
    REQUIRE(one.build());
    CHECK(one.rows_of(3) == one.rows_of(1));
    CHECK(one.differences() == 0);
    one.make_base();
    CHECK(one.differences() == 0);
}

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

TEST_CASE("build: one that cannot succeed tells why, whatever stops another partition") {
    World world;
    FailingLog log(*world.log);
    ProjectorPool pool(world.setup_on(log), 2);
    for (const bus::PartitionId partition : {0, 1})
        REQUIRE(pool.wait_for(world.say("hello", partition), enough).value_or(false));
    world.registry.change_generations([](schemas::GenerationTable& table) {
        table.start({"said", 2}, std::make_shared<const schemas::ReplaySpec>(), {});
    });
    REQUIRE(pool.reconcile_generations());
    REQUIRE(pool.wait_for(world.say("it goes on reading", 1), enough).value_or(false));
    log.reading[0] = bus::ErrorCode::corrupt;
    world.say("nobody reads this");
    REQUIRE(eventually([&] { return pool.status()[0].state == PartitionState::stopped; }));
    SUBCASE("a log that cannot be read") {
        log.beginning[0] = bus::ErrorCode::corrupt;
    }
    SUBCASE("what would pass by itself") {
        log.beginning[0] = bus::ErrorCode::unavailable;
    }
    log.beginning[1] = bus::ErrorCode::corrupt;
    Watch watch;
    const auto built = GenerationBuilds(pool, BuildScope::candidates, small).build(watch, 1);
    REQUIRE_FALSE(built);
    CHECK(built.error().code == bus::ErrorCode::corrupt);
    CHECK_MESSAGE(built.error().message.find("partition 1 fails") != std::string::npos,
                  built.error().message);
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
