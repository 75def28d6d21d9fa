#include "tests/prove/world_jobs.hpp"

#include "tests/support/eventually.hpp"

#include <functional>

namespace tests::prove {
namespace {

constexpr std::chrono::seconds job_patience{30};

// False also where nobody answers.
bool holds(FaultWorld& world, const std::string& target,
           const std::function<bool(const Answer&)>& condition) {
    try {
        const Answer answer = ask_as_admin(world, "GET", target);
        return answer.status == 200 && condition(answer);
    } catch (const std::exception&) {
        return false;
    }
}

// Whether it comes to hold, of a program that goes on.
bool comes_to_hold(FaultWorld& world, const std::string& target,
                   const std::function<bool(const Answer&)>& condition) {
    bool held = false;
    const auto is_settled = [&] {
        held = holds(world, target, condition);
        return held || world.child().has_ended();
    };
    return eventually(is_settled, job_patience) && held;
}

}  // namespace

Headers admin_of(FaultWorld& world) {
    return {{"authorization", "Bearer " + world.child().addresses().admin_key},
            {"content-type", "application/json"}};
}

Answer ask_as_admin(FaultWorld& world, const std::string& method, const std::string& target,
                    const std::string& body) {
    return world.client().api(method, target, admin_of(world), body);
}

std::optional<Document> ended(FaultWorld& world, const Answer& started) {
    std::optional<Document> job;
    const auto has_ended = [&](const Answer& answer) {
        job.emplace(answer);
        return job->text("state") != "running";
    };
    if (!comes_to_hold(world, "/v1/jobs/" + Document(started).text("id"), has_ended)) job.reset();
    return job;
}

bool all_have_ended(FaultWorld& world) {
    return comes_to_hold(world, "/v1/jobs", [](const Answer& answer) {
        return answer.body.find(R"("state":"running")") == std::string::npos;
    });
}

}  // namespace tests::prove
