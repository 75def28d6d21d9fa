#include "tests/prove/nth_life.hpp"

#include "tests/prove/world_jobs.hpp"

#include <fmt/format.h>

#include <fstream>

namespace tests::prove {
namespace {

using tests::checker::Proof;

constexpr std::size_t rounds_before = 2, rounds_meanwhile = 3, rounds_beside_work = 1;
constexpr std::size_t lives_of_a_world = 40;  // then it has grown

// Calls count and fail while it is there.
class Armed {
public:
    explicit Armed(const std::filesystem::path& file) : file_(file) { std::ofstream made(file); }
    ~Armed() { std::filesystem::remove(file_); }
    Armed(const Armed&) = delete;
    Armed& operator=(const Armed&) = delete;

private:
    const std::filesystem::path& file_;
};

std::string checked_problem(FaultWorld& world, Proof proof) {
    const std::string seen = world.checked(proof);
    return seen == "0 faults" ? "" : seen + "; ";
}

std::string end_of(const FailingCall& failing, const ChildPlatform& child) {
    return end_problem(failing, child.how_it_ended(), child.said_since_launch());
}

std::string how_refused(const std::string& refused, const FailingCall& failing,
                        const ChildPlatform& child) {
    return refusal_problem(refused, failing, child.how_it_ended(), child.said_since_launch());
}

// In the end, with what was seen until then: an end over the failure explains that.
std::string looked_at_and_stopped(FaultWorld& world, const FailingCall& failing, std::string seen) {
    if (world.child().has_ended()) return end_of(failing, world.child());
    seen += checked_problem(world, Proof::none);
    if (world.child().has_ended()) return end_of(failing, world.child());
    if (world.stop() != 0) seen += end_of(failing, world.child());
    return seen;
}

std::size_t refused_events(FaultWorld& world) {
    std::size_t refused = 0;
    for (const auto& [how, times] : world.load().answers())
        if (!how.starts_with("2")) refused += times;
    return refused;
}

// Events may be refused over a failure, until they are taken.
std::string tell_problem(FaultWorld& world, const FailingCall& failing, std::size_t rounds) {
    const std::size_t refused_before = refused_events(world);
    if (!world.tell(rounds)) return "does not take events again; ";
    const bool may_refuse = failing.error != 0 || refused_events(world) == refused_before;
    return may_refuse ? "" : "refuses events over no failure; ";
}

// --- a work

// 0 where nobody answers.
Answer asked_of_one_that_may_fail(FaultWorld& world, const std::string& target,
                                  const std::string& body) {
    try {
        return ask_as_admin(world, "POST", target, body);
    } catch (const std::exception&) {
        return {.status = 0};
    }
}

struct Worked {
    std::string seen{};
    std::optional<Document> done{};  // its job, which says that it is done
};

// Asked for and followed while a call fails; events are told meanwhile.
Worked worked(FaultWorld& world, const Work& work, const FailingCall& failing, const Armed&) {
    const Answer started = asked_of_one_that_may_fail(world, work.target, work.body);
    Worked worked{.seen = tell_problem(world, failing, rounds_beside_work)};
    AskedWork asked{.status = started.status, .answer = started.body};
    if (started.status == 202) {
        worked.done = ended(world, started);
        asked.state = worked.done ? worked.done->text("state") : "";
        asked.error = worked.done ? worked.done->text("error") : "";
    } else if (!all_have_ended(world)) {
        worked.seen += "never ends; ";
    }
    worked.seen += work_problem(asked, failing);
    if (asked.state != "done") worked.done.reset();
    return worked;
}

std::string while_working(FaultWorld& world, const FailingCall& failing, const Work& work,
                          const std::filesystem::path& armed) {
    Worked ended = worked(world, work, failing, Armed(armed));
    if (ended.done && !world.child().has_ended()) ended.seen += work.problem(world, *ended.done);
    return looked_at_and_stopped(world, failing, ended.seen);
}

// Plainly.
std::string again_problem(FaultWorld& world, const Work& work) {
    Answer started = ask_as_admin(world, "POST", work.target, work.body);
    auto job = started.status == 202 ? ended(world, started) : std::nullopt;
    const bool was_begun = job && job->text("error").starts_with("conflict");
    if (was_begun && !work.resume_body.empty()) {
        started = ask_as_admin(world, "POST", work.target, work.resume_body);
        job = ended(world, started);
    }
    if (!job) return "again: " + started.body + "; ";
    if (job->text("state") != "done") return "again: " + job->text("error") + "; ";
    const std::string problem = work.problem(world, *job);
    return problem.empty() ? checked_problem(world, Proof::rows) : "again: " + problem;
}

// So that rows begin with a base. Bodies that are to go are read before.
void expire(FaultWorld& world) {
    if (!world.tell(rounds_before)) throw std::runtime_error("does not take events plainly");
    std::string problem = checked_problem(world, Proof::none);
    problem += again_problem(world, expiry(world));
    if (!problem.empty()) throw std::runtime_error(problem);
}

}  // namespace

FaultWorld& FailingLives::with_data_from_before() {
    if (!is_sound_ || lives_ == lives_of_a_world) {
        world_.reset();
        world_.emplace(
            WorldOptions{.log = log_, .partitions = 2, .load = {.tenants = 1, .customers = 2}});
        world_->must_start();
        if (log_ == "embedded") expire(*world_);
        world_->stop();  // with all that a first life makes once
        world_->must_start();
        lives_ = 0;
    }
    ++lives_;
    is_sound_ = false;
    if (!world_->tell(rounds_before)) throw std::runtime_error("does not take events plainly");
    world_->kill();
    return *world_;
}

Shim FailingLives::shim_of(const FailingCall& failing, std::uint64_t nth, bool while_armed) const {
    Shim shim{{"CALLS", failing.call},
              {"ERRNO", std::to_string(failing.error)},
              {"AT", std::to_string(nth)},
              {"COUNTS", counts_file()}};
    if (while_armed) shim.emplace("WHILE", armed_file());
    return shim;
}

FailingLives::Outcome FailingLives::live(const FailingCall& failing, std::uint64_t nth,
                                         const KindOfWork* kind) {
    FaultWorld& world = with_data_from_before();
    std::filesystem::remove(counts_file());
    const std::string refused = world.start(shim_of(failing, nth, kind != nullptr));
    Outcome outcome{.starts = counts_in(counts_file())};
    std::optional<Work> work;
    if (!refused.empty()) {
        outcome.seen = kind ? refused : how_refused(refused, failing, world.child());
    } else if (kind) {
        outcome.seen = checked_problem(world, Proof::none);  // bodies are read that are to go
        work = kind->prepare(world);
        outcome.seen += while_working(world, failing, *work, armed_file());
    } else {
        outcome.seen =
            looked_at_and_stopped(world, failing, tell_problem(world, failing, rounds_meanwhile));
    }
    outcome.counts = counts_in(counts_file());
    world.kill();
    world.must_start();
    if (!all_have_ended(world)) outcome.seen += "what was begun never ends; ";
    outcome.seen += checked_problem(world, Proof::rows);
    if (work) outcome.seen += again_problem(world, *work);
    is_sound_ = outcome.seen.empty();
    return outcome;
}

}  // namespace tests::prove
