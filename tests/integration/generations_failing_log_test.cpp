// A build over a log of which partitions cannot be read.
#include "tests/integration/generations_build_fixture.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/polled_log.hpp"

using namespace build_test;

namespace {

// A log whose partitions fail as they are told to: who reads already, and who begins to.
class FailingLog final : public PolledLog {
public:
    using PolledLog::PolledLog;

    bus::Result<std::unique_ptr<bus::Reader>> open_reader(
        const bus::ReaderOptions& options) override {
        if (auto failure = failure_of(beginning, options.partition)) return *failure;
        return PolledLog::open_reader(options);
    }

    using Errors = std::array<std::atomic<bus::ErrorCode>, 2>;  // not_found: none
    Errors reading{bus::ErrorCode::not_found, bus::ErrorCode::not_found};
    Errors beginning{bus::ErrorCode::not_found, bus::ErrorCode::not_found};

private:
    Poll poll_of(const bus::ReaderOptions& options) override {
        return [this, partition = options.partition](bus::Reader& reader, std::size_t records,
                                                     std::size_t bytes) -> Polled {
            if (auto failure = failure_of(reading, partition)) return *failure;
            return reader.poll(records, bytes);
        };
    }
    static std::optional<bus::Error> failure_of(const Errors& errors, bus::PartitionId partition) {
        const bus::ErrorCode code = errors.at(partition);
        if (code == bus::ErrorCode::not_found) return std::nullopt;
        return bus::fail(code, "partition {} fails", partition);
    }
};

}  // namespace

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
