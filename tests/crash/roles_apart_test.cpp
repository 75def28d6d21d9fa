// `receive` and `project` as processes of their own (DESIGN 1): what each does without the other.
#include "tests/support/apart_kills.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/kafka_records.hpp"
#include "tests/support/local_broker.hpp"
#include "tests/support/program_run.hpp"
#include "tools/open_log.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

using namespace tests;

namespace {

ProgramRun doctor(const ChildPlatform& child) {
    return run_program({TRIBUTARY_PROGRAM, "doctor", "--data", child.data().string()});
}

// As a program of a later version writes it: the first fact again, of a version of its own.
void append_fact_of_version_99(const std::string& prefix) {
    tools::ServeOptions options;
    options.log = "kafka:" + LocalBroker::instance().bootstrap();
    options.kafka_prefix = prefix;
    options.partitions = 4;
    const auto opened = bus::kafka::KafkaLog::open(tools::kafka_options(options));
    REQUIRE_MESSAGE(opened, opened.error().message);
    const auto first = (*opened)->read_at({.topic = bus::Topic::control});
    REQUIRE_MESSAGE(first, first.error().message);
    std::string value = first->value;
    const auto version = value.find(R"("v":1)");
    REQUIRE(version != std::string::npos);
    value.replace(version, 5, R"("v":99)");
    bus::NewRecord fact = new_record(bus::Topic::control, 0, std::move(value));
    fact.key = first->key;
    fact.headers = first->headers;
    const auto appended = bus::append_and_wait(**opened, std::move(fact), std::chrono::seconds{10});
    REQUIRE_MESSAGE(appended, appended.error().message);
}

}  // namespace

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
    const ProgramRun here =
        run_program({TRIBUTARY_PROGRAM, "jobs", "--data", pair.receiving().data().string()});
    CHECK(here.exit_code > 0);
    CHECK(here.error.find("only receives") != std::string::npos);
    CHECK(pair.receiving().stop() == 0);
    CHECK(pair.projecting().stop() == 0);
}

TEST_CASE("doctor looks at both, and says when the registry of one stands still") {
    const std::string prefix = LocalBroker::fresh_prefix();
    ApartPlatform pair(TRIBUTARY_PROGRAM, LocalBroker::instance().bootstrap(), prefix);
    pair.start();
    ProductClient(pair.addresses()).create_tenant("shop");
    for (ChildPlatform* child : {&pair.projecting(), &pair.receiving()}) {
        const ProgramRun healthy = doctor(*child);
        CHECK_MESSAGE(healthy.exit_code == 0, healthy.out, healthy.error);
    }
    append_fact_of_version_99(prefix);
    for (ChildPlatform* child : {&pair.projecting(), &pair.receiving()}) {
        CHECK(eventually([&] { return doctor(*child).exit_code == 1; }));
        const std::string said = doctor(*child).out;
        CHECK_MESSAGE(said.find("broken") != std::string::npos, said);
        CHECK_MESSAGE(said.find("of version 99") != std::string::npos, said);
    }
    CHECK(doctor(pair.projecting()).out.find("do: start the newer program") != std::string::npos);
    const Answer metrics = ProductClient(pair.addresses()).api("GET", "/metrics");
    CHECK(metrics.body.find("\nregistry_stands_still 1\n") != std::string::npos);
}
