// What a section says of itself can fail: each check of it gets what is wrong, and says so.
#include "tests/prove/section.hpp"
#include "tests/prove/answers_judge.hpp"
#include "tests/prove/folder_files.hpp"
#include "tests/prove/memory_limit.hpp"
#include "tests/prove/nth_call_judge.hpp"
#include "tests/prove/other_callers.hpp"
#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <thread>

using namespace tests::prove;

namespace {

using Part = std::function<void(Section&)>;

int exit_code_of(const Part& run) {
    std::string name = "section_test";
    char* argv[] = {name.data()};
    Section section(1, argv, "", "");
    run(section);
    return section.finish();
}

const Part set_up = [](Section& section) { section.must("start", [] { return ""; }); };
const Part set_up_wrongly = [](Section& section) { section.must("start", [] { return "no"; }); };
const Part try_one = [](Section& section) { section.attempt("one", [] { return ""; }); };
const Part leave_one = [](Section& section) { section.untried("another", "time was over"); };

std::string sections_end_as_designed() {
    CHECK(exit_code_of([](Section&) {}) == 1);
    CHECK(exit_code_of(set_up) == 1);
    CHECK(exit_code_of(try_one) == 0);
    const auto both = [](const Part& one, const Part& other) {
        return exit_code_of([&](Section& section) { one(section), other(section); });
    };
    CHECK(both(set_up, try_one) == 0);
    CHECK(both(set_up_wrongly, try_one) == 1);
    CHECK(both(try_one, leave_one) == 0);
    CHECK(both(set_up, leave_one) == 1);
    return "";
}

const FailingCall sync_fails{"sync", "EIO", EIO}, half_written{"write", "short", 0},
    no_thread{"spawn", "EAGAIN", EAGAIN}, no_memory{"memory", "", ENOMEM},
    no_mapping{"mmap", "", ENOMEM};

std::string ends_are_judged() {
    for (const FailingCall& failing : {no_thread, no_memory, no_mapping}) {
        for (const std::string how : {"signal 6", "exit 1"})
            CHECK(end_problem(failing, how, "").empty());
        for (const std::string how : {"signal 9", "signal 7", "exit 0"})
            CHECK(end_problem(failing, how, "Assertion") == "ended with " + how + "; ");
    }
    CHECK(end_problem(no_mapping, "signal 11", "").empty());
    for (const FailingCall& failing : {no_thread, no_memory, sync_fails})
        CHECK(!end_problem(failing, "signal 11", "Assertion").empty());
    CHECK(end_problem(sync_fails, "signal 6", "Assertion `s.ok()' failed.").empty());
    CHECK(!end_problem(sync_fails, "signal 6", "terminate called").empty());
    for (const std::string how : {"signal 9", "signal 11", "exit 1", "exit 0"})
        CHECK(!end_problem(sync_fails, how, "Assertion `s.ok()' failed.").empty());
    return "";
}

std::string refusals_are_judged() {
    CHECK(refusal_problem("refused: exit 1, error: x", sync_fails, "exit 1", "").empty());
    CHECK(!refusal_problem("refused: exit 1, error: x", half_written, "exit 1", "").empty());
    CHECK(!refusal_problem("refused: exit 1, ", sync_fails, "exit 1", "").empty());
    CHECK(!refusal_problem("refused: exit 0, error: x", sync_fails, "exit 0", "").empty());
    CHECK(!refusal_problem("refused: signal 11, error: x", no_memory, "signal 11", "").empty());
    CHECK(!refusal_problem("hangs: signal 9, error: x", no_memory, "signal 9", "").empty());
    CHECK(refusal_problem("refused: signal 6, ", no_memory, "signal 6", "").empty());
    return "";
}

std::string works_are_judged() {
    const auto problem = [](const AskedWork& asked) { return work_problem(asked, sync_fails); };
    const AskedWork done{.status = 202, .state = "done"};
    const AskedWork failed{.status = 202, .state = "failed", .error = "unavailable: why"};
    CHECK(problem({}).empty());
    CHECK(problem({.status = 503, .answer = "why"}).empty());
    CHECK(problem(done).empty());
    CHECK(problem(failed).empty());
    CHECK(problem({.status = 202, .state = "failed"}) == "fails without a reason; ");
    CHECK(problem({.status = 202}) == "never ends; ");
    CHECK(problem({.status = 202, .state = "cancelled"}) == "never ends; ");
    CHECK(problem({.status = 503}) == "refused without a reason; ");
    for (const int status : {200, 400, 404, 409, 500})
        CHECK(!problem({.status = status, .answer = "why"}).empty());
    CHECK(work_problem(done, half_written).empty());
    for (const AskedWork& asked : {AskedWork{}, failed, AskedWork{.status = 503, .answer = "why"}})
        CHECK(!work_problem(asked, half_written).empty());
    return "";
}

std::string walks_are_judged() {
    const auto walk = [](std::uint64_t calls, std::size_t tried, std::size_t came_to_pass) {
        return Walk{sync_fails, "", calls, calls, {1, 2}, tried, came_to_pass, tried};
    };
    Walk beside = walk(0, 0, 0);
    beside.work = "replay";
    CHECK(beside.name() == "replay-sync-EIO");
    CHECK(counting_problem({walk(2, 0, 0), beside}, false).empty());
    const std::string never = "never called in a plain life: sync-EIO";
    CHECK(counting_problem({walk(0, 0, 0), beside}, false) == never);
    Walk linking = walk(0, 0, 0);
    linking.failing.call = "link";
    CHECK(counting_problem({linking}, false).empty());
    CHECK(!counting_problem({linking}, true).empty());
    CHECK(walk_problem(walk(2, 0, 0)).empty());
    CHECK(walk_problem(walk(2, 2, 1)).empty());
    CHECK(walk_problem(walk(3, 2, 0)).empty());
    CHECK(walk_problem(walk(3, 3, 0)) == "tried 3 times and never failed");
    Walk rare = walk(1, 1, 0);
    rare.sure = 0;  // not every life makes such a call
    CHECK(walk_problem(rare).empty());
    CHECK(trying_problem({walk(2, 0, 0), walk(2, 1, 0)}).empty());
    CHECK(trying_problem({walk(2, 0, 0), walk(3, 0, 0)}) == "no call was let fail");
    CHECK(trying_problem({}) == "no call was let fail");
    CHECK(untried_calls({walk(2, 2, 1), walk(2, 0, 0)}).starts_with("2 of 4 calls"));
    CHECK(untried_calls({walk(2, 2, 1)}).empty());
    return "";
}

using tests::checker::Answers;
using tests::checker::SourceAnswers;

std::string answers_are_judged() {
    const auto problem = [](const std::string& how, Unanswered unanswered = Unanswered::never) {
        return answers_problem({{"200 replicated", 7}, {"202 local", 2}, {how, 1}}, unanswered);
    };
    CHECK(problem("202 local").empty());
    CHECK(problem("no answer", Unanswered::at_kill).empty());
    for (const std::string how : {"503", "503 with Retry-After", "200 one_broker", "200 local",
                                  "202 replicated", "202 ", "no answer"})
        CHECK(problem(how) == "answered 1 times: " + how);
    CHECK(!problem("503", Unanswered::at_kill).empty());
    return "";
}

std::string outages_are_judged() {
    const auto problem = [](const Answers& away, const Answers& other) {
        return outage_problem(
            {{0, "away", {}, away}, {0, "other", {}, other}},
            [](const SourceAnswers& one) { return one.source == "away"; }, Unanswered::never);
    };
    const Answers kept{{"202 local", 3}}, taken{{"200 replicated", 9}};
    const Answers both{{"202 local", 3}, {"200 replicated", 1}};
    CHECK(problem(kept, taken).empty());
    CHECK(problem(kept, both).empty());
    CHECK(problem({}, taken) == "of away: no event was kept");
    CHECK(problem(both, taken) == "of away: an event was answered as replicated");
    CHECK(problem(kept, kept) ==
          "of other: no event was replicated, although its leader was there");
    CHECK(!problem({{"202 local", 3}, {"503 with Retry-After", 1}}, taken).empty());
    CHECK(!problem(kept, {{"200 replicated", 9}, {"503", 1}}).empty());
    CHECK(outage_problem(
              {{0, "other", {}, taken}}, [](const auto&) { return false; }, Unanswered::never) ==
          "no source was away");
    return "";
}

std::string refusals_of_all_are_judged() {
    const auto problem = [](const Answers& answers) {
        return all_refused_problem(
            {{0, "first", {}, {{"503 with Retry-After", 2}}}, {0, "second", {}, answers}});
    };
    CHECK(problem({{"503 with Retry-After", 7}}).empty());
    CHECK(problem({}) == "of second: no event was answered");
    for (const std::string how : {"200 fsynced", "202 local", "503", "no answer"})
        CHECK(problem({{"503 with Retry-After", 7}, {how, 1}}) ==
              "of second: answered 1 times: " + how);
    CHECK(all_refused_problem({}) == "nobody was answered");
    return "";
}

std::string changes_of_files_are_seen() {
    const FolderFiles before{
        {"journal/1", "a"}, {"journal/lock", "1"}, {"master.key", "b"}, {"serving.json", "c"}};
    const auto change = [&](const std::function<void(FolderFiles&)>& happens) {
        FolderFiles now = before;
        happens(now);
        return change_of(before, now);
    };
    CHECK(change([](FolderFiles&) {}).empty());
    CHECK(change([](FolderFiles& now) { now.erase("serving.json"); }).empty());
    CHECK(change([](FolderFiles& now) { now["journal/lock"] = "2"; }).empty());
    CHECK(change([](FolderFiles& now) { now["journal/1"] = "b"; }) == "wrote journal/1");
    CHECK(change([](FolderFiles& now) { now["stores"] = ""; }) == "wrote stores");
    CHECK(change([](FolderFiles& now) { now.erase("master.key"); }) == "removed master.key");
    return "";
}

std::string waits_are_judged() {
    const auto waits = [](double most_ms, double hundredth_ms) {
        std::vector<double> all(100, most_ms);
        all.front() = hundredth_ms;
        return all;
    };
    const std::vector<double> quick = waits(1, 1), late = waits(1, 100), slow = waits(100, 100);
    const Waits alone{.kept_ms = quick, .fresh_ms = quick};
    const auto problem = [&](const Waits& beside, const BesideDesign& design = {}) {
        return slowness(alone, beside, design);
    };
    CHECK(problem(alone).empty());
    CHECK(problem({.kept_ms = waits(7, 7), .fresh_ms = waits(7, 7)}).empty());
    CHECK(!problem({.kept_ms = waits(8, 8), .fresh_ms = quick}).empty());
    CHECK(problem({.kept_ms = waits(8, 8), .fresh_ms = quick}, {.handshakes_before = 1}).empty());
    CHECK(!problem({.kept_ms = slow, .fresh_ms = quick}, {.handshakes_before = 8}).empty());
    CHECK(!problem({.kept_ms = quick, .fresh_ms = slow}).empty());
    CHECK(!problem({.kept_ms = late, .fresh_ms = quick}).empty());
    CHECK(!problem({.kept_ms = quick, .fresh_ms = quick, .unserved = 1}).empty());
    CHECK(!problem({.kept_ms = quick}).empty());
    CHECK(!problem({}).empty());
    return "";
}

std::string loads_are_looked_at() {
    const auto wait = [] { std::this_thread::sleep_for(std::chrono::milliseconds{100}); };
    CHECK(repeated({3, [] { return true; }})(wait).empty());
    CHECK(!repeated({3, [] { return false; }}, {})(wait).empty());
    return "";
}

// A process writes five times as much to a file as it may keep in memory.
std::string a_limit_is_felt() {
    if (!MemoryLimit::can_be_set()) return "";
    const tests::TempDirectory folder;
    const MemoryLimit limit(20 << 20);
    CHECK(!limit.was_felt());
    CHECK(!limit.has_killed());
    CHECK(!limit.holds(::getpid()));
    const std::string file = (folder.path() / "file").string();
    const std::string writes = "head -c 100000000 /dev/zero >" + file;
    CHECK(std::system(writes.c_str()) == 0);
    CHECK(!limit.was_felt());  // that one was not under it
    (void)std::system(("echo 0 >" + limit.entry().string() + " && " + writes).c_str());
    CHECK(limit.was_felt());
    return "";
}

}  // namespace

int main(int argc, char** argv) {
    Section section(argc, argv, "Feeds the checks of a section what is wrong.", "section_test");
    section.attempt("sections end as designed", sections_end_as_designed);
    section.attempt("ends are judged", ends_are_judged);
    section.attempt("refusals are judged", refusals_are_judged);
    section.attempt("works are judged", works_are_judged);
    section.attempt("walks are judged", walks_are_judged);
    section.attempt("answers are judged", answers_are_judged);
    section.attempt("outages are judged", outages_are_judged);
    section.attempt("refusals of all are judged", refusals_of_all_are_judged);
    section.attempt("changes of files are seen", changes_of_files_are_seen);
    section.attempt("waits are judged", waits_are_judged);
    section.attempt("loads are looked at", loads_are_looked_at);
    section.attempt("a limit is felt", a_limit_is_felt);
    return section.finish();
}
