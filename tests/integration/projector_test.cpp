#include "consumers/projector_pool.hpp"
#include "consumers/read_access.hpp"

#include "tests/support/eventually.hpp"
#include "tests/support/kafka_like.hpp"
#include "tests/support/said_world.hpp"

#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <random>

using namespace consumers;
using namespace std::chrono_literals;
using namespace tests;
using projections::Rows;
using projections::Table;
namespace fs = std::filesystem;

namespace {

class FailingStore final : public projections::store::RowStore {
public:
    using Inner = std::unique_ptr<projections::store::RowStore>;
    explicit FailingStore(Inner inner) : inner_(std::move(inner)) {}
    int commits_to_fail = 0;

    bus::Result<std::optional<std::string>> get(std::uint8_t table, std::string_view key) override {
        return inner_->get(table, key);
    }
    bus::Result<bus::Done> commit(const std::vector<projections::store::StoreWrite>& writes,
                                  const bus::Position& checkpoint) override {
        if (commits_to_fail-- > 0) return bus::fail(bus::ErrorCode::unavailable, "disk full");
        return inner_->commit(writes, checkpoint);
    }
    bus::Position checkpoint() const override { return inner_->checkpoint(); }
    std::unique_ptr<projections::store::Snapshot> snapshot() const override {
        return inner_->snapshot();
    }
    std::optional<bus::Error> damage() const override { return inner_->damage(); }
    bus::Result<std::optional<std::string>> get_meta(std::string_view name) override {
        return inner_->get_meta(name);
    }
    bus::Result<bus::Done> put_meta(std::string_view name, std::string_view value) override {
        return inner_->put_meta(name, value);
    }
    bus::Result<bus::Done> erase_prefix(std::string_view prefix) override {
        return inner_->erase_prefix(prefix);
    }
    std::unique_ptr<projections::store::StoreUpkeep> upkeep() const override {
        return inner_->upkeep();
    }
    std::unique_ptr<projections::store::InstanceWriter> instance_writer() const override {
        return inner_->instance_writer();
    }
    bus::Result<bus::Done> flush() override { return inner_->flush(); }
    std::string statistics() const override { return inner_->statistics(); }

private:
    Inner inner_;
};

struct Running {
    ProjectorSetup setup;
    std::unique_ptr<Projector> projector;
    FailingStore* store = nullptr;

    Running(World& world, const ProjectorSetup& with) : setup(with) {
        auto opened = open_partition_store(setup, 0);
        REQUIRE(opened);
        auto failing = std::make_unique<FailingStore>(std::move(opened->rows));
        store = failing.get();
        opened->rows = std::move(failing);
        projector = std::make_unique<Projector>(setup, 0, *std::move(opened), world.more);
    }
    explicit Running(World& world) : Running(world, world.setup()) {}

    void drain() {
        while (true) {
            auto applied = projector->step();
            REQUIRE(applied);
            if (*applied == 0) return;
        }
    }
    std::string dump() const {
        std::string out;
        auto snapshot = store->snapshot();
        for (std::uint8_t table = 0; table < projections::table_count; ++table)
            snapshot->scan(table, "", "", false, [&](std::string_view key, std::string_view value) {
                out += fmt::format("{} {} = {}\n", table, key, value);
                return true;
            });
        return out;
    }
    projections::InstanceId said_instance() const {
        return projector->catalogue().shown("said", tenant_in(0, 2))->instance;
    }
    std::string said(std::string_view text) const {
        const auto instance = said_instance();
        const auto key = projections::complete_key(instance, tenant_in(0, 2), text);
        return store->snapshot()->get(0, key).value_or("nothing");
    }
};

// As a broker that has hung and led the partition before anything was in it.
class StaleEnds final : public ForwardingLog {
public:
    using ForwardingLog::ForwardingLog;
    bus::Result<bus::Offset> end_offset(bus::TopicPartition where) override {
        if (where.topic != bus::Topic::chat || moments == 0)
            return ForwardingLog::end_offset(where);
        --moments;
        return bus::Offset{0};
    }
    int moments = 2;
};

int times(const std::string& row) {
    return std::atoi(row.substr(row.find('\n') + 1).c_str());
}

const std::vector<std::string> texts = {"a", "b", "a", "bad", "c", "a", "b", "a", "d", "a"};

std::string folded(std::size_t batch_size, bool reopen_between) {
    World world;
    auto running = std::make_unique<Running>(world);
    for (std::size_t i = 0; i < texts.size(); ++i) {
        world.say(texts[i]);
        if ((i + 1) % batch_size != 0) continue;
        running->drain();
        if (!reopen_between) continue;
        running.reset();
        running = std::make_unique<Running>(world);
    }
    running->drain();
    CHECK(times(running->said("a")) == 5);
    return running->dump();
}

void flip_byte(const fs::path& path, std::streamoff offset) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(offset);
    const char flipped = static_cast<char>(file.get() ^ 0x20);
    file.seekp(offset);
    file.put(flipped);
}

fs::path biggest_table_file(const fs::path& folder) {
    fs::path biggest;
    for (const auto& file : fs::recursive_directory_iterator(folder))
        if (file.path().extension() == ".sst" &&
            (biggest.empty() || file.file_size() > fs::file_size(biggest)))
            biggest = file.path();
    REQUIRE_FALSE(biggest.empty());
    return biggest;
}

// Does not compress away; in order of `number`.
std::string long_text(int number) {
    std::mt19937 random(static_cast<unsigned>(number));
    std::string text = fmt::format("{:03}", number);
    while (text.size() < 500) text.push_back(static_cast<char>('0' + random() % 70));
    return text;
}

bool becomes(const ProjectorPool& pool, bus::PartitionId partition, PartitionState state) {
    return eventually([&] { return pool.status()[partition].state == state; });
}

std::optional<std::string> read(ProjectorPool& pool, bus::PartitionId partition,
                                std::string_view text) {
    ReadAccess access(pool, 2);
    auto view = access.view(tenant_in(partition, 2), "said");
    if (!view) return std::nullopt;
    return (*view)->get(Table::rows, text);
}

}  // namespace

TEST_CASE("projector: far behind it takes larger batches, at the end short ones") {
    World world;
    Running running(world);
    for (int i = 0; i < 4 * 512 + 1024 + 10; ++i) world.say("a");
    std::vector<std::size_t> batches;
    for (std::size_t applied = 1; applied > 0; batches.push_back(applied)) {
        const auto step = running.projector->step();
        REQUIRE(step);
        applied = *step;
    }
    CHECK(batches == std::vector<std::size_t>{512, 512, 512, 512, 1024, 10, 0});
    world.say("a");
    CHECK(*running.projector->step() == 1);
    CHECK(times(running.said("a")) == 4 * 512 + 1024 + 11);
}

TEST_CASE("projector: any batch size, and any reopening between, gives the same bytes") {
    const std::string whole = folded(texts.size(), false);
    for (const std::size_t size : {1, 2, 3, 7}) {
        CAPTURE(size);
        CHECK(folded(size, false) == whole);
        CHECK(folded(size, true) == whole);
    }
}

TEST_CASE("projector: a failed commit leaves nothing, and is made up for") {
    World world;
    Running running(world);
    world.say("a");
    running.drain();
    world.say("a");
    running.store->commits_to_fail = 2;
    for (int i = 0; i < 2; ++i) {
        const auto failed = running.projector->step();
        REQUIRE_FALSE(failed);
        CHECK(failed.error().code == bus::ErrorCode::unavailable);
        CHECK(times(running.said("a")) == 1);
    }
    CHECK_FALSE(running.projector->store_damaged());
    running.drain();
    CHECK(times(running.said("a")) == 2);
}

TEST_CASE("projector: a failed read is tried again and loses no record") {
    World world;
    Running running(world);
    world.say("a");
    world.log->faults().fail_read(1, bus::fail(bus::ErrorCode::unavailable, "away"));
    REQUIRE_FALSE(running.projector->step());
    running.drain();
    CHECK(times(running.said("a")) == 1);
}

TEST_CASE("projector: what does not map is a dead letter of its record") {
    World world;
    Running running(world);
    world.say("bad");
    world.say("fact", 0, bus::Topic::facts, "", "support.ticket.updated");
    world.say("refused", 0, bus::Topic::rejected, "", bus::rejected_event_type);
    running.drain();
    const std::string rows = running.dump();
    CHECK(rows.find("text: it is bad") != std::string::npos);
    CHECK(rows.find("ingest.request.received shop 0+1") != std::string::npos);
    CHECK(rows.find("support.ticket.updated shop 0+0") != std::string::npos);
    CHECK(rows.find("ingest.request.rejected shop 0+0") != std::string::npos);
}

TEST_CASE("projector: a stamp that .control does not hold is corrupt, and applies nothing") {
    World world;
    Running running(world);
    world.say("a");
    world.say("b", 0, bus::Topic::chat, "unknown");
    const auto stopped = running.projector->step();
    REQUIRE_FALSE(stopped);
    CHECK(stopped.error().code == bus::ErrorCode::corrupt);
    CHECK(stopped.error().message.find("chat/0/1") != std::string::npos);
    CHECK_FALSE(running.projector->store_damaged());
    CHECK(running.said("a") == "nothing");
    world.registry.add_mapping("unknown");  // it came later after all
    running.drain();
    CHECK(times(running.said("b")) == 1);
}

TEST_CASE("projector: it holds mappings of a bounded size, whatever its records are stamped with") {
    constexpr std::size_t large = 20'000'000;
    World world;
    Running running(world);
    const auto fold_with = [&](const std::string& mapping) {
        auto made = std::make_shared<const support::TextMapping>(mapping, large);
        world.registry.add_mapping(made);
        world.say("a", 0, bus::Topic::chat, mapping);
        running.drain();
        world.registry.add_mapping(mapping);  // it knows it no longer as it was
        return std::weak_ptr(made);
    };
    const auto first = fold_with("first");
    CHECK_FALSE(first.expired());
    const auto second = fold_with("second");
    CHECK(first.expired());
    CHECK_FALSE(second.expired());
    world.say("a", 0, bus::Topic::chat, "first");
    running.drain();
    CHECK(times(running.said("a")) == 3);
}

TEST_CASE("projector: a record without envelope is corrupt") {
    World world;
    Running running(world);
    REQUIRE(bus::append_and_wait(*world.log, bus::NewRecord{}, enough));
    const auto stopped = running.projector->step();
    REQUIRE_FALSE(stopped);
    CHECK(stopped.error().code == bus::ErrorCode::corrupt);
}

TEST_CASE("projector: on Kafka a copy by fallback hash is skipped while its window lasts") {
    World world;
    KafkaLike kafka(*world.log);
    const auto say = [&](std::string_view key, std::string_view kind) {
        world.say("a", 0, bus::Topic::chat, stamp, bus::raw_event_type,
                  World::Dedup{key, kind, "3"});
    };
    const auto said_after = [&](bus::Log& log) {
        ProjectorSetup setup{.log = log,
                             .registry = world.registry,
                             .projections = {&world.said},
                             .stores = world.folder / log.engine(),
                             .shared = world.setup().shared};
        Running running(world, setup);
        running.drain();
        return times(running.said("a"));
    };
    say("k1", "hash");   // second 0: kept
    say("k1", "hash");   // second 1: a copy
    say("k2", "hash");   // another one
    say("k1", "hash");   // second 3: the window is over, kept
    say("k1", "hash");   // second 4: a copy of the last kept
    say("k3", "paths");  // the provider's own ids: rows are keyed by them
    say("k3", "paths");
    CHECK(said_after(kafka) == 5);
    CHECK(said_after(*world.log) == 7);  // where the door is exact
}

TEST_CASE("projector: a checkpoint past the log's end sets the store aside and rebuilds") {
    World world;
    {
        Running running(world);
        world.say("old");
        world.say("old");
        running.drain();
    }
    world.empty_log();  // as after the loss of the log
    world.say("new");
    Running running(world);
    running.drain();
    CHECK(fs::exists(world.folder / "partition-0.corrupt-1"));
    CHECK(running.said("old") == "nothing");
    CHECK(times(running.said("new")) == 1);
}

TEST_CASE("projector: an end of long ago that the log tells for a moment sets no store aside") {
    World world;
    {
        Running running(world);
        world.say("old");
        running.drain();
    }
    StaleEnds stale(*world.log);
    Running running(world, world.setup_on(stale));
    CHECK_FALSE(fs::exists(world.folder / "partition-0.corrupt-1"));
    CHECK(times(running.said("old")) == 1);
    CHECK(stale.moments == 0);
}

TEST_CASE("projector: rows of another code version are not shown and not fed, the others are") {
    World world;
    {
        Running running(world);
        world.say("a");
        running.drain();
    }
    const SaidProjection changed(2);
    ProjectorSetup setup = world.setup();
    setup.projections[0] = &changed;
    SUBCASE("they are left to be built anew") {
        Running running(world, setup);
        const auto* said = running.projector->catalogue().shown("said", tenant_in(0, 2));
        CHECK(said->state == GenerationState::building);
        CHECK(said->fingerprint == "2");
        CHECK(running.said("a") == "nothing");
        world.say("b");
        running.drain();
        CHECK(running.said("b") == "nothing");
        CHECK(running.dump().find("chat/0/1") != std::string::npos);  // of "seen"
    }
    SUBCASE("or kept as they are") {
        setup.on_change = OnChange::keep;
        Running running(world, setup);
        world.say("a");
        running.drain();
        CHECK(times(running.said("a")) == 1);
        const auto* said = running.projector->catalogue().shown("said", tenant_in(0, 2));
        CHECK(said->state == GenerationState::frozen);
    }
    SUBCASE("or refused") {
        setup.on_change = OnChange::refuse;
        const auto opened = open_partition_store(setup, 0);
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == bus::ErrorCode::invalid_input);
        CHECK(opened.error().message.find("said") != std::string::npos);
        CHECK(open_partition_store(world.setup(), 0));  // nothing was changed
    }
}

TEST_CASE("pool: a reader sees what it waited for, in its own partition only") {
    World world;
    ProjectorPool pool(world.setup(), 2);
    REQUIRE(pool.wait_opened(enough));
    ReadAccess access(pool, 2);
    const bus::Position position = world.say("a", 1);
    CHECK(access.wait_for(tenant_in(1, 2), position, enough).value_or(false));
    CHECK(access.position(tenant_in(1, 2)).covers(position));
    CHECK(times(read(pool, 1, "a").value_or("")) == 1);
    CHECK_FALSE(read(pool, 0, "a"));
    CHECK_FALSE(access.wait_for(tenant_in(0, 2), position, enough));
    bus::Position later = position;
    later[bus::Topic::chat] += 1;
    CHECK_FALSE(access.wait_for(tenant_in(1, 2), later, 20ms).value_or(true));
    CHECK(eventually([&] { return pool.near_end(0); }));
    auto unknown = access.view(tenant_in(1, 2), "no such");
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().code == bus::ErrorCode::not_found);
}

TEST_CASE("pool: a partition rests between batches, and goes on at once for a reader that waits") {
    World world;
    ProjectorSetup setup = world.setup();
    setup.rests = {.per_work = 1'000'000, .max = 1h, .large_batch = 1h};
    ProjectorPool pool(setup, 1);
    REQUIRE(pool.wait_opened(enough));
    REQUIRE(pool.wait_for(world.say("a"), enough).value_or(false));
    const bus::Position second = world.say("b");
    const bus::Position other = world.say("c", 1);
    CHECK(eventually([&] { return pool.status()[0].lag_records == 1; }));
    CHECK_FALSE(pool.position(0).covers(second));
    CHECK(pool.wait_for(second, enough).value_or(false));
    CHECK(pool.wait_for(other, enough).value_or(false));
}

TEST_CASE("pool: what nobody waits for is folded too") {
    World world;
    ProjectorPool pool(world.setup(), 1);
    REQUIRE(pool.wait_opened(enough));
    bus::Position last;
    for (int i = 0; i < 100; ++i) last = world.say("a");
    CHECK(eventually([&] { return pool.position(0).covers(last); }));
    CHECK(times(read(pool, 0, "a").value_or("")) == 100);
}

TEST_CASE("pool: views stay at their moment, and inside their tenant") {
    World world;
    ProjectorPool pool(world.setup(), 2);
    REQUIRE(pool.wait_for(world.say("a"), enough).value_or(false));
    ReadAccess access(pool, 2);
    auto view = access.view(tenant_in(0, 2), "said");
    REQUIRE(view);
    REQUIRE(pool.wait_for(world.say("b"), enough).value_or(false));
    std::vector<std::string> keys;
    (*view)->scan(Table::rows, "", "", true, [&](std::string_view key, std::string_view) {
        keys.emplace_back(key);
        return true;
    });
    CHECK(keys == std::vector<std::string>{"a"});
    CHECK_FALSE((*view)->failure());
    auto other = access.view(bus::TenantId{tenant_in(0, 2).value + 1'000'000}, "said");
    if (other) CHECK_FALSE((*other)->get(Table::rows, "a"));
}

TEST_CASE("pool: a partition that must stop says why, and the others go on") {
    World world;
    ProjectorPool pool(world.setup(), 1);
    const bus::Position bad = world.say("a", 0, bus::Topic::chat, "unknown");
    const bus::Position good = world.say("a", 1);
    CHECK(pool.wait_for(good, enough).value_or(false));
    CHECK(becomes(pool, 0, PartitionState::stopped));
    CHECK(pool.status()[0].reason.find("'unknown'") != std::string::npos);
    CHECK(eventually([&] { return pool.status()[0].lag_records == 1; }));
    CHECK_FALSE(pool.status()[0].store_refused);
    const auto waited = pool.wait_for(bad, enough);
    REQUIRE_FALSE(waited);
    CHECK(waited.error().code == bus::ErrorCode::unavailable);
    CHECK_FALSE(pool.near_end(100));
}

TEST_CASE("pool: status never asks the log, and a lag that is not told stays, marked") {
    World world;
    KafkaLike log(*world.log);
    ProjectorSetup setup = world.setup();
    ProjectorPool pool({.log = log,
                        .registry = setup.registry,
                        .projections = setup.projections,
                        .stores = setup.stores,
                        .shared = setup.shared,
                        .memtable_bytes = setup.memtable_bytes},
                       1);
    REQUIRE(pool.wait_opened(enough));
    world.say("a", 0, bus::Topic::chat, "unknown");
    CHECK(eventually([&] { return pool.status()[0].lag_records == 1; }));
    CHECK(pool.status()[0].lag_known);
    CHECK(eventually([&] { return pool.status()[1].lag_known; }));

    log.offsets_away = true;
    CHECK(eventually([&] { return !pool.status()[0].lag_known && !pool.status()[1].lag_known; }));
    CHECK(pool.status()[0].lag_records == 1);
    CHECK_FALSE(pool.near_end(100));
    log.offsets_away = false;
    CHECK(eventually([&] { return pool.status()[0].lag_known; }));
    CHECK_FALSE(log.asked_by_maker);
}

TEST_CASE("pool: a rebuild does not wait for topics whose records have all expired") {
    World world;
    world.say("a");
    KafkaLike log(*world.log);
    log.expired = true;
    ProjectorSetup setup = world.setup();
    ProjectorPool pool({.log = log,
                        .registry = setup.registry,
                        .projections = setup.projections,
                        .stores = setup.stores,
                        .shared = setup.shared,
                        .memtable_bytes = setup.memtable_bytes},
                       1);
    REQUIRE(pool.wait_opened(enough));
    CHECK(becomes(pool, 0, PartitionState::running));
}

TEST_CASE("pool: a log that is away is waited for") {
    World world;
    ProjectorPool pool(world.setup(), 2);
    REQUIRE(pool.wait_opened(enough));
    world.log->faults().fail_read(1, bus::fail(bus::ErrorCode::unavailable, "away"));
    CHECK(pool.wait_for(world.say("a", 0), enough).value_or(false));
    CHECK(pool.wait_for(world.say("a", 1), enough).value_or(false));
}

TEST_CASE("pool: a damaged store is set aside and rebuilt from the log") {
    World world;
    bus::Position position;
    {
        Running running(world);
        world.say("a");
        running.drain();
        const auto key = projections::complete_key(running.said_instance(), tenant_in(0, 2), "a");
        REQUIRE(running.store->commit({{.table = 0, .key = key, .value = "not a row"}},
                                      running.store->checkpoint()));
        position = world.say("a");
    }
    ProjectorPool pool(world.setup(), 2);
    CHECK(pool.wait_for(position, enough).value_or(false));
    CHECK(fs::exists(world.folder / "partition-0.corrupt-1"));
    CHECK(times(read(pool, 0, "a").value_or("")) == 2);
}

TEST_CASE("pool: damage that a reader meets is not answered, and has the store rebuilt") {
    World world;
    bus::Position position;
    {
        Running running(world);
        for (int i = 0; i < 100; ++i) position = world.say(long_text(i));
        running.drain();
        REQUIRE(running.store->flush());
        REQUIRE(running.store->upkeep()->compact());
    }
    flip_byte(biggest_table_file(world.folder / "partition-0"), 1'000);

    ProjectorPool pool(world.setup(), 2);
    REQUIRE(pool.wait_opened(enough));
    ReadAccess access(pool, 2);
    bool met = false;
    for (int i = 0; i < 500 && !fs::exists(world.folder / "partition-0.corrupt-1"); ++i) {
        if (auto view = access.view(tenant_in(0, 2), "said")) {
            const auto row = (*view)->get(Table::rows, long_text(0));
            CHECK((row.has_value() || (*view)->failure().has_value()));
            met = met || (*view)->failure();
        }
        std::this_thread::sleep_for(10ms);
    }
    CHECK(met);
    CHECK(fs::exists(world.folder / "partition-0.corrupt-1"));
    CHECK(becomes(pool, 0, PartitionState::running));
    CHECK(pool.wait_for(position, enough).value_or(false));
    CHECK(times(read(pool, 0, long_text(0)).value_or("")) == 1);
}

TEST_CASE("pool: a store that could not be written is opened again, nothing is lost or doubled") {
    World world;
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &limit) == 0);
    const std::string big(3'000, 'b');
    bus::Position position;
    ProjectorPool pool(world.setup(), 2);
    REQUIRE(pool.wait_for(world.say(big), enough).value_or(false));

    const rlimit small{.rlim_cur = 64 << 10, .rlim_max = limit.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    // A row each, so that any split into batches writes more than the limit.
    for (int i = 0; i < 60; ++i) position = world.say(big + std::to_string(i));
    // It waits, opens, fails and waits again: any of these shows that the write was refused.
    const bool failed =
        eventually([&] { return pool.status()[0].state != PartitionState::running; });
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);

    CHECK(failed);
    CHECK(pool.wait_for(position, 2 * enough).value_or(false));
    CHECK(times(read(pool, 0, big).value_or("")) == 1);
    for (int i = 0; i < 60; ++i)
        CHECK(times(read(pool, 0, big + std::to_string(i)).value_or("")) == 1);
}

TEST_CASE("pool: a store of another format stops its partition, untouched") {
    World world;
    { Running running(world); }
    std::ofstream(world.folder / "partition-0" / "format") << "tributary store 9 partition 0\n";
    ProjectorPool pool(world.setup(), 2);
    REQUIRE(pool.wait_opened(enough));
    CHECK(becomes(pool, 0, PartitionState::stopped));
    CHECK(pool.status()[0].reason.find("format 9") != std::string::npos);
    CHECK(pool.status()[0].store_refused);
    CHECK_FALSE(fs::exists(world.folder / "partition-0.corrupt-1"));
    CHECK(pool.wait_for(world.say("a", 1), enough).value_or(false));
}
