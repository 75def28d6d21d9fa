// What may happen while the base of expired records is made.
#include "tools/retention/base_maker.hpp"
#include "bus/existing_files.hpp"
#include "tests/integration/generations_build_fixture.hpp"
#include "tests/support/polled_log.hpp"
#include "tests/support/seen_syncs.hpp"
#include "tests/support/temp_directory.hpp"

using namespace build_test;

namespace {

class Run final : public tools::jobs::JobRun {
public:
    void phase(std::string_view, std::uint64_t, std::string_view) override {}
    void advance(std::uint64_t) override {
        if (const auto happens = std::exchange(meanwhile, nullptr)) happens();
    }
    bool go_on() override { return true; }
    std::function<void()> meanwhile;
};

// Those who read already get nothing more once they are stalled.
class StallingLog final : public PolledLog {
public:
    using PolledLog::PolledLog;
    void stall() { stalled_ = opened_.load(); }

private:
    Poll poll_of(const bus::ReaderOptions&) override {
        return [this, number = ++opened_](bus::Reader& reader, std::size_t records,
                                          std::size_t bytes) -> Polled {
            if (number <= stalled_) return bus::RecordBatch{};
            return reader.poll(records, bytes);
        };
    }

    std::atomic<int> opened_{0}, stalled_{0};
};

}  // namespace

TEST_CASE("base: one is not published that does not know a generation that began meanwhile") {
    Beside beside;
    beside.say_many(300);
    Run run;
    run.meanwhile = [&] {
        beside.start(2);
        REQUIRE(beside.build());
    };
    const auto make = [&] {
        return tools::retention::make_base(beside.pool, 0, beside.said_last, {}, run);
    };
    const auto refused = make();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == bus::ErrorCode::conflict);
    CHECK(fs::is_empty(beside.pool.setup().bases));
    const auto made = make();
    REQUIRE_MESSAGE(made, (made ? "" : made.error().message));
    CHECK(made->catalogue.find({"said", 2}) != nullptr);
    CHECK(beside.differences() == 0);
}

TEST_CASE("base: every file of it is on the disk before those go that it stands for") {
    Beside beside;
    Run run;
    for (int made = 0; made < 2; ++made) {  // the second one begins with a copy
        beside.say_many(20);
        const tests::SeenSyncs syncs;
        REQUIRE(tools::retention::make_base(beside.pool, 0, beside.said_last, {}, run));
        const auto seen = syncs.seen();
        const auto is_format = [](const fs::path& file) {
            return file.parent_path().extension() == ".making" && file.filename() == "format";
        };
        CHECK(std::any_of(seen.begin(), seen.end(), is_format));
    }
}

TEST_CASE("base: one is not published that stands for what the rows that are read have not yet") {
    World world;
    StallingLog log(*world.log);
    ProjectorSetup setup = world.setup_on(log);
    setup.bases = world.folder / "bases";
    ProjectorPool pool(setup, 1);
    REQUIRE(pool.wait_for(world.say("hello"), enough).value_or(false));
    log.stall();
    const bus::Position end = world.say("as a store reads again that was begun anew");
    Run run;
    const auto refused = tools::retention::make_base(pool, 0, end, {}, run);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == bus::ErrorCode::unavailable);
    CHECK(fs::is_empty(setup.bases));
}

TEST_CASE("base: what is erased is in no older one, whatever keeps that from being looked at") {
    Beside beside;
    Run run;
    for (int made = 0; made < 3; ++made) {
        beside.say_many(20);
        REQUIRE(tools::retention::make_base(beside.pool, 0, beside.said_last, {}, run));
    }
    const fs::path& bases = beside.pool.setup().bases;
    const fs::path loop = bases / consumers::base_name(0, 2);
    const auto put_older_ones = [&] {
        fs::create_directory(bases / consumers::base_name(0, 0));
        fs::create_directory(bases / (consumers::base_name(0, 1) + ".dropped"));  // could not go
        fs::create_symlink(loop, loop);
    };
    const auto check_erased = [&](std::uint64_t number) {
        REQUIRE(tools::retention::erase_from_base(beside.pool.setup(), 0, tenant_in(0, 2)));
        CHECK(bus::entries_of(bases).value_or({}) ==
              std::vector{bases / consumers::base_name(0, number)});
    };
    put_older_ones();
    check_erased(4);
    put_older_ones();  // as a try that failed behind its new base leaves them
    check_erased(4);
}

TEST_CASE("base: where nobody can look for one there may be one") {
    const tests::TempDirectory folder;
    const fs::path loop = folder.path() / "bases";
    fs::create_symlink(loop, loop);
    const auto found = consumers::find_base(loop, 0);
    REQUIRE_FALSE(found);
    CHECK(found.error().code == bus::ErrorCode::unavailable);
}
