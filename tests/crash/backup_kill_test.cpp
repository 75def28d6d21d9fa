// backup and restore, killed at each step: the folder holds the earlier backups or one more, a
// restored data folder is there whole or not at all, and the same command again goes through.
#include "tests/support/child_platform.hpp"
#include "tests/support/program_run.hpp"
#include "tests/support/told_shop.hpp"
#include "tools/backup/backup_list.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>

using namespace tests;

namespace {

namespace fs = std::filesystem;

const std::string program = TRIBUTARY_PROGRAM;

struct World {
    World() {
        child.start();
        shop.emplace(child.addresses());
        shop->tell(0, 40);
        answers = shop->answers();
        position = shop->position();
        child.stop();
    }
    ProgramRun backup(const std::string& crash_at = {}, const std::string& keep = "0") const {
        return run_program(
            {program, "backup", "--data", child.data(), "--to", to, "--with-keys", "--keep", keep},
            crash_at);
    }
    ProgramRun restore(const std::string& crash_at = {}) const {
        return run_program({program, "restore", "--from", to, "--data", restored}, crash_at);
    }
    long backups() const {
        const auto listed = run_program({program, "backup", "list", to});
        return std::count(listed.out.begin(), listed.out.end(), '\n');
    }
    // What an erasure would name.
    std::vector<std::string> known(const fs::path& data) const {
        std::vector<std::string> names;
        for (const auto& one : tools::backup::read_backup_list(data).value_or({}))
            names.push_back(one.folder + "/" + one.name);
        return names;
    }
    void check_sound() const {
        const auto verified = run_program({program, "backup", "verify", to});
        CHECK_MESSAGE(verified.exit_code == 0, verified.error);
    }

    ChildPlatform child{program, "embedded"};
    std::optional<ToldShop> shop;
    std::map<std::string, std::string> answers;
    std::string position;
    TempDirectory folder;
    fs::path to = folder.path() / "backups";
    fs::path restored = folder.path() / "restored";
};

}  // namespace

TEST_CASE("backup: a kill at any step leaves the earlier backups or one more") {
    World world;
    CHECK(world.backup("backup.files_copied").signal == SIGKILL);  // the very first
    CHECK(world.backups() == 0);
    CHECK(world.restore().exit_code == 1);
    REQUIRE(world.backup().exit_code == 0);
    long expected = 1;
    for (const std::string point :
         {"backup.begun", "backup.stores_copied", "backup.file_copied", "backup.files_copied",
          "backup.bases_copied", "backup.listed", "backup.manifest_written", "backup.published"}) {
        CAPTURE(point);
        // Something new each time, so that every point is come to.
        world.child.start();
        world.shop->moved_to(world.child.addresses(), world.position);
        world.shop->tell(static_cast<int>(100 * expected), static_cast<int>(100 * expected + 5));
        world.position = world.shop->position();
        world.answers = world.shop->answers();
        world.child.stop();
        CHECK(world.backup(point).signal == SIGKILL);
        expected += point == "backup.published";
        CHECK(world.backups() == expected);
        world.check_sound();
        REQUIRE(world.backup().exit_code == 0);
        CHECK(world.backups() == ++expected);
        world.check_sound();
    }
    for (const std::string point : {"backup.old_set_aside", "backup.swept_one"}) {
        CAPTURE(point);
        CHECK(world.backup(point, "2").signal == SIGKILL);
        world.check_sound();
    }
    REQUIRE(world.backup({}, "2").exit_code == 0);
    CHECK(world.backups() == 2);
    world.check_sound();
}

TEST_CASE("backup: it is known before its first copy, and only while it may be there") {
    World world;
    const fs::path data = world.child.data();
    CHECK(world.backup("backup.begun").signal == SIGKILL);
    CHECK(world.known(data).size() == 1);
    fs::rename(data / "journal", data / "away");
    CHECK(world.backup().exit_code == 1);
    CHECK(world.known(data).empty());
    fs::rename(data / "away", data / "journal");
    REQUIRE(world.backup().exit_code == 0);
    REQUIRE(world.backup().exit_code == 0);
    CHECK(world.known(data).size() == 2);
    REQUIRE(world.restore().exit_code == 0);
    CHECK(world.known(world.restored) == world.known(data));
}

TEST_CASE("restore: a kill at any step leaves no folder or a whole one") {
    World world;
    REQUIRE(world.backup().exit_code == 0);
    for (const std::string point :
         {"restore.begun", "restore.file_copied", "restore.journal_opened", "restore.opened"}) {
        CAPTURE(point);
        CHECK(world.restore(point).signal == SIGKILL);
        CHECK(!fs::exists(world.restored));
    }
    CHECK(world.restore("restore.renamed").signal == SIGKILL);
    ChildPlatform again(program, "", {}, world.restored);
    again.start();
    world.shop->moved_to(again.addresses(), world.position);
    CHECK_MESSAGE((world.shop->answers() == world.answers), "answers differ");
}
