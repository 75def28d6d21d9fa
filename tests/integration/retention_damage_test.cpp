// What a retention run tells of damage, and that everything else expires.
#include "bus/metrics.hpp"
#include "schemas/json/json.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/polled_log.hpp"
#include "tests/support/said_world.hpp"
#include "tools/retention/retention_work.hpp"

using namespace tests;
using bus::Topic;

namespace {

// A journal that is damaged as it is told to be; it only says what expired.
class DamagedLog final : public PolledLog {
public:
    using PolledLog::PolledLog;

    std::string_view engine() const override { return "embedded"; }
    bus::Result<bus::Expiry> expire(std::span<const bus::RecordRange> ranges,
                                    const bus::ExpiryOptions&) override {
        bus::Expiry expired{.damaged = damaged_files};
        for (const bus::RecordRange& range : ranges) expired.records += range.before - range.from;
        return expired;
    }

    std::optional<bus::PartitionId> unreadable;  // for readers to come
    std::vector<bus::KeptExpired> damaged_files;

private:
    Poll poll_of(const bus::ReaderOptions& options) override {
        if (options.partition != unreadable) return &bus::Reader::poll;
        return [](bus::Reader&, std::size_t, std::size_t) -> Polled {
            return bus::fail(bus::ErrorCode::corrupt, "a body does not check");
        };
    }
};

class LaterClock final : public bus::Clock {
public:
    bus::Timestamp now() override { return bus::Timestamp{bus::seconds{10'000}}; }
};

// Three old records in one partition, two in the other.
struct Damaged {
    World world;
    DamagedLog log{*world.log};
    LaterClock clock;
    consumers::ProjectorPool pool{setup(), 2};
    tools::retention::ExpiryClock expiry_clock{world.folder, clock, log};
    tools::jobs::Jobs jobs{clock, bus::random_ids()};

    Damaged() {
        for (const bus::PartitionId partition : {0, 0, 0, 1, 1})
            REQUIRE(pool.wait_for(world.say("hello", partition), enough).value_or(false));
    }
    ProjectorSetup setup() {
        ProjectorSetup setup = world.setup_on(log);
        setup.bases = world.folder / tools::retention::bases_folder;
        return setup;
    }
    // What the run says of `damaged`, `ranges` and `records`.
    std::string applied() {
        const auto id =
            tools::retention::start_retention({world.folder, log, pool, &expiry_clock, jobs},
                                              {{Topic::chat, bus::seconds{1}}}, {.commit = true});
        REQUIRE_MESSAGE(id, id.error().message);
        REQUIRE(eventually([&] { return jobs.find(*id)->ended(); }));
        const auto job = jobs.find(*id);
        REQUIRE_MESSAGE(job->error.empty(), job->error);
        schemas::json::Parser parser;
        const auto report = parser.parse(job->report);
        REQUIRE(report);
        std::string told;
        for (const char* name : {"damaged", "ranges", "records"}) {
            (*report)[name].append_to(told);
            told += ' ';
        }
        return told;
    }
};

// What the metric says of the last run.
int kept_damaged() {
    constexpr std::string_view name = "\nretention_damaged_places ";
    const std::string all = bus::metrics::render();
    const auto at = all.find(name);
    return at == std::string::npos ? -1 : std::stoi(all.substr(at + name.size()));
}

}  // namespace

TEST_CASE("retention: a damaged file is told, and tried again with nothing else") {
    Damaged one;
    const std::string damage = "2.journal: a frame does not check";
    one.log.damaged_files = {{damage, {{{Topic::chat, 0}, 1, 3}}}};
    const std::string told = "[\"" + damage + "\"] ";
    CHECK(one.applied() == told + R"(["chat/0/0-2","chat/1/0-1"] 5 )");
    CHECK(kept_damaged() == 1);
    CHECK(one.applied() == told + R"(["chat/0/1-2"] 2 )");
    one.log.damaged_files.clear();
    CHECK(one.applied() == R"([] ["chat/0/1-2"] 2 )");
    CHECK(kept_damaged() == 0);
    CHECK(one.applied() == "[] [] 0 ");
}

TEST_CASE(
    "retention: behind a record that cannot be read its own topic partition stays, and only "
    "it") {
    Damaged one;
    one.log.unreadable = 1;
    CHECK(one.applied() == R"(["a body does not check"] ["chat/0/0-2"] 3 )");
    CHECK(kept_damaged() == 1);
    one.log.unreadable.reset();
    CHECK(one.applied() == R"([] ["chat/1/0-1"] 2 )");
}
