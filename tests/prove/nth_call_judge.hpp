// What is right of a life in which a call failed, and of all lives of one kind of call.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tests::prove {

struct FailingCall {
    std::string call, error_name;
    int error;  // 0 = it only falls short, which is no failure: nothing comes of it

    std::string name() const { return call + (error_name.empty() ? "" : "-" + error_name); }
};

// One kind on its way through its calls.
struct Walk {
    FailingCall failing;
    std::string work;                  // of its lives; "" = none
    std::uint64_t calls;               // in a life without a failure, as most have it
    std::uint64_t least;               // and as all of them had it
    std::vector<std::uint64_t> order;  // which of them fail, one after the other
    std::size_t tried = 0, came_to_pass = 0;
    std::size_t sure = 0;  // of those tried: up to the least, so that one of them must have failed

    bool is_over() const { return tried == order.size(); }
    std::string name() const { return (work.empty() ? "" : work + "-") + failing.name(); }
};

// "" where a program in which this call failed may end so by itself, else "ended with signal 11; ".
// `how` as ChildPlatform says it, "exit 1" or "signal 6"; `said` is what it wrote in this life.
std::string end_problem(const FailingCall& failing, const std::string& how,
                        const std::string& said);
// The same of one that did not start; `refused` as FaultWorld says it.
std::string refusal_problem(const std::string& refused, const FailingCall& failing,
                            const std::string& how, const std::string& said);

// What came of a work that was asked for while a call failed.
struct AskedWork {
    int status = 0;  // of the answer; 0 = nobody answered
    std::string answer{};
    std::string state{}, error{};  // of its job, where it was taken
};
// "" where it is done or failed with a reason, else "fails without a reason; ".
std::string work_problem(const AskedWork& asked, const FailingCall& failing);

// Without these nothing is proven: that plain lives make such calls at all, and that one of those
// that were tried failed indeed. Some kinds are made by works alone: they count where all are
// tried.
std::string counting_problem(const std::vector<Walk>& walks, bool with_all_works);
std::string walk_problem(const Walk& walk);
// And that time was left for any of them.
std::string trying_problem(const std::vector<Walk>& walks);
// "12 of 345 calls ..." where not all are over, else "".
std::string untried_calls(const std::vector<Walk>& walks);

}  // namespace tests::prove
