#include "tools/jobs/jobs.hpp"

#include "tools/jobs/job_routes.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace {

using tools::jobs::JobRun;
using tools::jobs::Jobs;
using tools::jobs::JobState;
using tools::jobs::JobStatus;

JobStatus wait_for(const Jobs& jobs, const std::string& id, auto reached) {
    for (int i = 0; i < 5'000; ++i) {
        const auto job = jobs.find(id);
        REQUIRE(job);
        if (reached(*job)) return *job;
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
    FAIL("the job did not get there");
    return {};
}

bool ended(const JobStatus& job) {
    return job.ended();
}

bus::Result<std::string> count_until_told(JobRun& run) {
    run.phase("counting", 0, "steps");
    while (run.go_on()) {
        run.advance(1);
        std::this_thread::sleep_for(std::chrono::microseconds{100});
    }
    return bus::fail(bus::ErrorCode::cancelled, "told to stop");
}

TEST_CASE("a job's report and progress can be read after it is done") {
    Jobs jobs(bus::system_clock(), bus::random_ids());
    const auto id = jobs.start("verify", "all", [](JobRun& run) -> bus::Result<std::string> {
        run.phase("reading", 3, "events");
        run.advance(3);
        return std::string{R"({"damaged":0})"};
    });
    REQUIRE(id);
    const JobStatus job = wait_for(jobs, *id, ended);
    CHECK(job.state == JobState::done);
    CHECK(job.done == 3);
    CHECK(job.report == R"({"damaged":0})");
    CHECK(jobs.cancel(*id).error().code == bus::ErrorCode::conflict);
}

TEST_CASE("a paused job rests until it is resumed, and a cancelled one ends") {
    Jobs jobs(bus::system_clock(), bus::random_ids());
    const auto id = jobs.start("replay", "calls", count_until_told);
    REQUIRE(id);
    wait_for(jobs, *id, [](const JobStatus& job) { return job.done > 0; });
    REQUIRE(jobs.pause(*id));
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
    const auto rested = jobs.find(*id)->done;
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
    CHECK(jobs.find(*id)->done == rested);
    REQUIRE(jobs.resume(*id));
    wait_for(jobs, *id, [&](const JobStatus& job) { return job.done > rested; });
    REQUIRE(jobs.cancel(*id));
    CHECK(wait_for(jobs, *id, ended).state == JobState::cancelled);
}

TEST_CASE("two jobs of one kind never work on the same subject") {
    Jobs jobs(bus::system_clock(), bus::random_ids());
    const auto first = jobs.start("replay", "calls", count_until_told);
    REQUIRE(first);
    const auto second = jobs.start("replay", "calls", count_until_told);
    REQUIRE_FALSE(second);
    CHECK(second.error().code == bus::ErrorCode::conflict);
    CHECK(second.error().message.find(*first) != std::string::npos);
    CHECK(jobs.start("replay", "mails", count_until_told));
    jobs.stop();
    CHECK_FALSE(jobs.start("replay", "mails", count_until_told));
}

TEST_CASE("bodies are not taken out of a log while it is being copied, nor the other way round") {
    Jobs jobs(bus::system_clock(), bus::random_ids());
    const auto check_excluded = [&](const std::string& running, const std::string& other) {
        const auto first = jobs.start(running, "this", count_until_told);
        REQUIRE(first);
        CHECK(jobs.can_start(other).error().code == bus::ErrorCode::conflict);
        const auto second = jobs.start(other, "that", count_until_told);
        REQUIRE_FALSE(second);
        CHECK(second.error().code == bus::ErrorCode::conflict);
        CHECK(second.error().message.find(*first) != std::string::npos);
        REQUIRE(jobs.cancel(*first));
        wait_for(jobs, *first, ended);
        CHECK(jobs.can_start(other));
    };
    for (const std::string taking : {"erase", "resume", "retention"}) {
        check_excluded("migrate", taking);
        check_excluded(taking, "migrate");
    }
    REQUIRE(jobs.start("erase", "one", count_until_told));
    CHECK(jobs.start("erase", "another", count_until_told));
    CHECK(jobs.start("retention", "everything", count_until_told));
}

TEST_CASE("a job that throws has failed, with the reason") {
    Jobs jobs(bus::system_clock(), bus::random_ids());
    const auto id = jobs.start("export", "acme", [](JobRun&) -> bus::Result<std::string> {
        throw std::runtime_error("out of paper");
    });
    REQUIRE(id);
    const JobStatus job = wait_for(jobs, *id, ended);
    CHECK(job.state == JobState::failed);
    CHECK(tools::jobs::job_json(job, bus::system_clock().now()).find("out of paper") !=
          std::string::npos);
}

}  // namespace
