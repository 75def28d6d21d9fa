// `receive` and `project` as processes of their own (DESIGN 1): what each does without the other.
#include "tests/support/apart_kills.hpp"
#include "tests/support/local_broker.hpp"
#include "tests/support/program_run.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

using namespace tests;

TEST_CASE(
    "either of the two, both, or both and the broker are killed: nothing is lost or doubled") {
    ApartKills world(TRIBUTARY_PROGRAM, 1);
    for (int i = 0; i < apart_kills; ++i) {
        const auto kill = static_cast<ApartKill>(i);
        CHECK_MESSAGE(world.kill_and_check(kill, i + 1 == apart_kills) == "", name(kill));
    }
    CHECK(world.acknowledged() > 0);
    // What came while nothing folded has its rows all the same: the checker has seen them.
    CHECK(world.acknowledged_alone() > 0);
}

TEST_CASE("what cannot work apart is refused with what to do") {
    const TempDirectory folder;
    const std::string data = (folder.path() / "data").string();
    const auto said = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), TRIBUTARY_PROGRAM);
        const ProgramRun run = run_program(arguments);
        CHECK(run.exit_code > 0);
        return run.error;
    };
    CHECK(said({"receive", "--data", data}).find("--log kafka:") != std::string::npos);
    CHECK(said({"project", "--data", data, "--log", "kafka:127.0.0.1:9"}).find("--public-url") !=
          std::string::npos);
    const std::string keyless = said({"receive", "--data", data, "--log", "kafka:127.0.0.1:9"});
    CHECK(keyless.find("copy master.key and admin.key") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(data));
}

TEST_CASE("a job on the folder of the process that receives says where to ask") {
    ApartPlatform pair(TRIBUTARY_PROGRAM, LocalBroker::instance().bootstrap(),
                       LocalBroker::fresh_prefix());
    pair.start();
    const auto doctor = [](const ChildPlatform& child) {
        return run_program({TRIBUTARY_PROGRAM, "doctor", "--data", child.data().string()});
    };
    CHECK(doctor(pair.projecting()).exit_code == 0);
    const ProgramRun here = doctor(pair.receiving());
    CHECK(here.exit_code > 0);
    CHECK(here.error.find("only receives") != std::string::npos);
    CHECK(pair.receiving().stop() == 0);
    CHECK(pair.projecting().stop() == 0);
}
