// Rows are compared with what the log gives anew, and made anew for one tenant, beside its
// neighbours in the same partition.
#include "consumers/fresh_fold.hpp"

#include "bus/envelope.hpp"
#include "consumers/base_rows.hpp"
#include "projections/store/store_check.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/kafka_like.hpp"
#include "tests/support/polled_log.hpp"
#include "tests/support/said_world.hpp"

#include <fstream>

using namespace consumers;
using namespace tests;

namespace {

class Watch : public BuildWatch {
public:
    void advance(std::uint64_t records) override { done += records; }
    bool go_on() override { return !stopped; }
    std::uint64_t done = 0;
    bool stopped = false;
};

// A log whose readers get no further than its first two chats, as long as it halts.
class HaltingLog final : public PolledLog {
public:
    using PolledLog::PolledLog;
    std::atomic<bool> halts{true};

private:
    Poll poll_of(const bus::ReaderOptions& options) override {
        return [this, next = options.from[bus::index(bus::Topic::chat)]](
                   bus::Reader& reader, std::size_t, std::size_t bytes_max) mutable -> Polled {
            if (halts && next >= 2) return bus::RecordBatch{};
            auto batch = reader.poll(1, bytes_max);
            if (batch) next += batch->records.size();
            return batch;
        };
    }
};

struct Proving {
    World world;
    ProjectorPool pool{world.setup(), 1};
    bus::Position last{};

    Proving() {
        REQUIRE(pool.wait_opened(enough));
        for (int i = 0; i < 200; ++i) last = world.say(fmt::format("text {}", i % 17));
        REQUIRE(pool.wait_for(last, enough).value_or(false));
    }

    std::vector<RowDifference> differences(std::uint64_t* keys = nullptr) {
        const auto live = pool.all_rows(0);
        REQUIRE(live);
        auto fold = FreshFold::begin(pool.setup(), 0, live->catalogue, std::nullopt,
                                     world.folder / "partition-0.verify");
        REQUIRE(fold);
        Watch watch;
        REQUIRE((*fold)->fold_until(live->rows->checkpoint(), watch));
        CHECK(watch.done == 200);
        std::vector<RowDifference> found;
        const auto compared = (*fold)->compare(*live->rows, [&](const RowDifference& one) {
            found.push_back(one);
            return true;
        });
        REQUIRE(compared);
        if (keys) *keys = *compared;
        fold->reset();
        CHECK_FALSE(fs::exists(world.folder / "partition-0.verify"));
        return found;
    }
    std::string key_of(std::string_view text) const {
        const auto catalogue = pool.catalogue(0);
        REQUIRE(catalogue);
        return projections::complete_key(catalogue->find({"said", 1})->instance, tenant_in(0, 2),
                                         text);
    }
    void change(const std::string& key, std::optional<std::string_view> value) {
        const auto writer = pool.instance_writer(0);
        REQUIRE(writer);
        REQUIRE((*writer)->commit({{0, key, value}}, "test", ""));
    }
};

}  // namespace

TEST_CASE("rows that follow from the log are proved, key by key") {
    Proving proving;
    std::uint64_t keys = 0;
    CHECK(proving.differences(&keys).empty());
    CHECK(keys == 17 + 17 + 200);  // rows, index entries, seen records
}

TEST_CASE("a changed, a missing and an invented row are named") {
    Proving proving;
    proving.change(proving.key_of("text 3"), "text 3\n99 x");
    proving.change(proving.key_of("text 5"), std::nullopt);
    proving.change(proving.key_of("text 99"), "text 99\n1 x");
    const auto found = proving.differences();
    REQUIRE(found.size() == 3);
    CHECK(found[0].key == proving.key_of("text 3"));
    CHECK(found[0].is_live);
    CHECK(found[0].fresh.has_value());
    CHECK(found[1].key == proving.key_of("text 5"));
    CHECK_FALSE(found[1].is_live);
    CHECK(found[2].key == proving.key_of("text 99"));
    CHECK_FALSE(found[2].fresh.has_value());
    for (const RowDifference& one : found) CHECK(one.generation.projection == "said");
}

TEST_CASE("a tenant's rows become what the log says now, and nobody else's") {
    Proving proving;
    const std::vector<bus::Address> erased{{bus::Topic::chat, 0, 3}, {bus::Topic::chat, 0, 20}};
    REQUIRE(proving.world.log->erase(erased));  // "text 3" is said less often by one, twice
    const auto before = proving.differences();
    REQUIRE_FALSE(before.empty());
    // Rows of another tenant in the same partition, which the log knows nothing of: left alone.
    const std::string foreign = projections::complete_key(
        proving.pool.catalogue(0)->find({"said", 1})->instance, bus::TenantId{0xFFFF}, "kept");
    proving.change(foreign, "kept\n1 x");

    Watch watch;
    const auto changed = refold_tenant(proving.pool, 0, tenant_in(0, 2), watch);
    REQUIRE_MESSAGE(changed.has_value(), (changed ? "" : changed.error().message));
    CHECK((*changed)[0] + (*changed)[1] + (*changed)[2] == before.size());
    const auto after = proving.differences();
    REQUIRE(after.size() == 1);
    CHECK(after[0].key == foreign);

    // What the projector had decoded is not believed any more.
    proving.last = proving.world.say("text 3");
    REQUIRE(proving.pool.wait_for(proving.last, enough).value_or(false));
    const auto row = proving.pool.all_rows(0)->rows->get(0, proving.key_of("text 3"));
    REQUIRE(row);
    CHECK(row->find("\n11 ") != std::string::npos);  // 12 times, 2 erased, 1 more
}

TEST_CASE("a tenant that is erased while it is folded anew gets no row back") {
    struct ErasedMeanwhile final : Watch {
        explicit ErasedMeanwhile(Proving& world) : proving(world) {}
        void advance(std::uint64_t records) override {
            if (done == 0) {
                proving.world.registry.close(tenant_in(0, 2));
                REQUIRE(erase_tenant_rows(proving.pool, 0, tenant_in(0, 2)));
            }
            done += records;
        }
        Proving& proving;
    };
    Proving proving;
    ErasedMeanwhile watch(proving);
    REQUIRE(refold_tenant(proving.pool, 0, tenant_in(0, 2), watch));
    CHECK(watch.done > 0);
    CHECK(count_tenant_rows(proving.pool, 0, tenant_in(0, 2)).value_or(RowCounts{1}) ==
          RowCounts{});
}

TEST_CASE("a tenant's rows that are kept as other code made them are not called made anew") {
    World world;
    {
        ProjectorPool pool(world.setup(), 1);
        REQUIRE(pool.wait_for(world.say("hers"), enough).value_or(false));
    }
    const SaidProjection changed(2);
    ProjectorSetup setup = world.setup();
    setup.projections[0] = &changed;
    setup.on_change = OnChange::keep;
    ProjectorPool pool(setup, 1);
    REQUIRE(pool.wait_opened(enough));
    const std::vector<bus::Address> erased{{bus::Topic::chat, 0, 0}};
    REQUIRE(world.log->erase(erased));
    Watch watch;
    const auto refused = refold_tenant(pool, 0, tenant_in(0, 2), watch);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == bus::ErrorCode::unavailable);
    CHECK_MESSAGE(refused.error().message.find("rows of said in partition 0") != std::string::npos,
                  refused.error().message);
    CHECK(refold_tenant(pool, 0, tenant_in(0, 2, tenant_in(0, 2)), watch).has_value());
}

TEST_CASE("a tenant's rows are made anew while they are not complete") {
    World world;
    bus::Position last;
    for (int i = 0; i < 5; ++i) last = world.say("hers");
    HaltingLog log(*world.log);
    ProjectorPool pool(world.setup_on(log), 1);
    REQUIRE(eventually([&] { return pool.position(0)[bus::Topic::chat] == 2; }));
    REQUIRE_FALSE(pool.all_rows(0));
    const std::vector<bus::Address> erased{{bus::Topic::chat, 0, 0}};
    REQUIRE(world.log->erase(erased));
    const auto times_said = [&] {
        const std::string key = projections::complete_key(
            pool.catalogue(0)->find({"said", 1})->instance, tenant_in(0, 2), "hers");
        return (*pool.instance_writer(0))->get(0, key)->value_or("\nnever").substr(4, 3);
    };
    REQUIRE(times_said() == "\n2 ");

    Watch watch;
    const auto changed = refold_tenant(pool, 0, tenant_in(0, 2), watch);
    REQUIRE_MESSAGE(changed.has_value(), (changed ? "" : changed.error().message));
    CHECK(times_said() == "\n1 ");
    log.halts = false;
    REQUIRE(pool.wait_for(last, enough).value_or(false));
    CHECK(times_said() == "\n4 ");
}

TEST_CASE("a tenant's rows are not made anew while a generation is built beside them") {
    Proving proving;
    proving.world.registry.change_generations([](schemas::GenerationTable& table) {
        table.start({"said", 2}, std::make_shared<const schemas::ReplaySpec>(), {});
    });
    REQUIRE(proving.pool.reconcile_generations());
    Watch watch;
    const auto refold = [&] { return refold_tenant(proving.pool, 0, tenant_in(0, 2), watch); };
    const auto refused = refold();
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == bus::ErrorCode::conflict);
    REQUIRE(GenerationBuilds(proving.pool, BuildScope::candidates, {}).build(watch, 1));
    CHECK(refold().has_value());
}

TEST_CASE("a fresh fold keeps its folder to itself") {
    Proving proving;
    const fs::path folder = proving.world.folder / "partition-0.making";
    const auto begin = [&] {
        return FreshFold::begin(proving.pool.setup(), 0, *proving.pool.catalogue(0), std::nullopt,
                                folder);
    };
    auto first = begin();
    REQUIRE(first);
    Watch watch;
    REQUIRE((*first)->fold_until(proving.last, watch));
    const auto second = begin();
    REQUIRE_FALSE(second.has_value());
    CHECK_MESSAGE(second.error().code == bus::ErrorCode::conflict, second.error().message);
    const auto kept = (*first)->keep();
    REQUIRE_MESSAGE(kept.has_value(), (kept ? "" : kept.error().message));
    CHECK(projections::store::check_store(folder, 0, true).value_or(bus::Position{}) ==
          proving.last);
    first->reset();
    CHECK(begin());
}

TEST_CASE("a fresh fold stops when it is told to") {
    Proving proving;
    Watch watch;
    watch.stopped = true;
    const auto changed = refold_tenant(proving.pool, 0, tenant_in(0, 2), watch);
    REQUIRE_FALSE(changed.has_value());
    CHECK(changed.error().code == bus::ErrorCode::cancelled);
    CHECK_FALSE(fs::exists(proving.world.folder / "partition-0.refold"));
}

TEST_CASE("what a dead process left of making a store or a base goes at the next start") {
    World world;
    ProjectorSetup setup = world.setup();
    setup.bases = world.folder / "bases";
    const std::vector<fs::path> leftovers{
        setup.stores / "partition-0.dropped",  setup.stores / "partition-0.from-base",
        setup.stores / "partition-0-0.seed",   setup.stores / "partition-0.refold",
        setup.stores / "partition-0.verify",   setup.bases / "partition-0.making",
        setup.bases / "partition-0-1",         setup.bases / "partition-0.expired.new",
        setup.stores / "partition-1.building", setup.stores / "partition-1.rebuilding"};
    const fs::path loop = setup.stores / "partition-0.building";  // which nobody can look at
    const std::vector<fs::path> kept{setup.stores / "partition-0.corrupt-1",
                                     setup.bases / "partition-0-3"};
    for (const auto& paths : {leftovers, kept})
        for (const fs::path& path : paths) {
            fs::create_directories(path);
            std::ofstream(path / base_note_name) << base_note(Base{});
        }
    fs::create_symlink(loop, loop);
    const ProjectorPool pool(setup, 1);
    REQUIRE(pool.wait_opened(enough));
    for (const fs::path& path : leftovers) CHECK_MESSAGE(!fs::exists(path), path.string());
    CHECK_FALSE(fs::is_symlink(loop));
    for (const fs::path& path : kept) CHECK_MESSAGE(fs::exists(path), path.string());
}

TEST_CASE("a client's rows of what Kafka has lost are not taken away by making the others anew") {
    World world;
    KafkaLike kafka(*world.log);
    ProjectorPool pool(world.setup_on(kafka), 1);
    REQUIRE(pool.wait_for(world.say("hello"), enough).value_or(false));
    kafka.expired = true;
    const auto rows = [&] {
        return count_tenant_rows(pool, 0, tenant_in(0, 2)).value_or(RowCounts{});
    };
    const RowCounts before = rows();
    Watch watch;
    const auto refused = refold_tenant(pool, 0, tenant_in(0, 2), watch);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == bus::ErrorCode::unavailable);
    CHECK_MESSAGE(refused.error().message.find("from offset 1 on only") != std::string::npos,
                  refused.error().message);
    CHECK(rows() == before);
    CHECK(refold_tenant(pool, 0, tenant_in(0, 2, tenant_in(0, 2)), watch));  // who has none
}
