// Generations that are built beside the live one, over a log in memory, and bases under them.
#pragma once

#include "consumers/fresh_fold.hpp"
#include "consumers/generation_builder.hpp"
#include "consumers/read_access.hpp"
#include "tests/support/kafka_like.hpp"
#include "tests/support/said_world.hpp"

#include <atomic>
#include <fstream>

namespace build_test {

using namespace consumers;
using namespace tests;

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

inline constexpr std::string_view loud_text = "LOUD";

inline constexpr BuildLimits small{.free_bytes_min = 1 << 20, .memtable_bytes = 1 << 20};

// What is before `end` is in no log from then on, as far as folds of the first partition know.
inline void make_base(const ProjectorPool& pool, const bus::Position& end) {
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
    void make_base() const { build_test::make_base(pool, said_last); }
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

}  // namespace build_test
