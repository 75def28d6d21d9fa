// Long work of a served folder, as the operator asks for it; and a program that dies over it.
#pragma once

#include "tests/support/child_platform.hpp"
#include "tests/support/eventually.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

namespace tests {

// Of a ChildPlatform or a RunningPlatform.
inline Headers operator_headers(const auto& platform) {
    return {{"authorization", "Bearer " + platform.addresses().admin_key},
            {"content-type", "application/json"}};
}

inline void wait_until(const auto& reached) {
    REQUIRE_MESSAGE(eventually(reached, std::chrono::minutes{1}), "it was not reached in a minute");
}

// A job that was started, once it has ended. One that does not within a minute fails the test.
inline Answer ended_job(const auto& platform, const Answer& started) {
    REQUIRE_MESSAGE(started.status == 202, started.body);
    const std::string target = "/v1/jobs/" + Document(started).text("id");
    ProductClient client(platform.addresses());
    Answer job;
    wait_until([&] {
        job = client.api("GET", target, operator_headers(platform));
        return Document(job).text("state") != "running";
    });
    return job;
}

// Of one that is done, or fails the test.
inline std::string report_of_job(const auto& platform, const Answer& started) {
    const Document job(ended_job(platform, started));
    REQUIRE_MESSAGE(job.text("state") == "done", job.text("error"));
    std::string report;
    job["report"].append_to(report);
    return report;
}

inline std::string error_of_job(const auto& platform, const Answer& started) {
    const Document job(ended_job(platform, started));
    REQUIRE_MESSAGE(job.text("state") == "failed", job.text("state"));
    return job.text("error");
}

// Until the erasures that a start goes on with have been carried out.
inline void wait_for_resumed(const auto& platform) {
    ProductClient client(platform.addresses());
    wait_until([&] {
        const Answer jobs = client.api("GET", "/v1/jobs", operator_headers(platform));
        REQUIRE_MESSAGE(jobs.body.find(R"("state":"failed")") == std::string::npos, jobs.body);
        return jobs.body.find(R"("state":"running")") == std::string::npos;
    });
}

// Starts the program with a crash point, asks for the work, waits for its death, starts it again.
inline void die_over(ChildPlatform& child, const std::string& target, const std::string& body,
                     const std::string& crash_at) {
    child.stop();
    ::setenv("TRIBUTARY_CRASH_AT", crash_at.c_str(), 1);
    child.start();
    ::unsetenv("TRIBUTARY_CRASH_AT");
    bus::net::ClientRequest request;
    request.method = "POST";
    request.url = child.addresses().api + target;
    request.headers = operator_headers(child);
    request.body = body;
    (void)bus::net::HttpClient{}.call(request);  // it may die before it answers
    REQUIRE_MESSAGE(child.ends_within(std::chrono::seconds{30}),
                    "the crash point was not reached: ", crash_at);
    child.start();
}

}  // namespace tests
