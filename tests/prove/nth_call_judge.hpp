// What is right of a life in which a call failed, and of all lives of one kind of call.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tests::prove {

struct FailingCall {
    std::string call, error_name;
    int error;

    std::string name() const { return call + (error_name.empty() ? "" : "-" + error_name); }
};

// One kind on its way through its calls.
struct Walk {
    FailingCall failing;
    std::uint64_t calls;               // in a life without a failure
    std::vector<std::uint64_t> order;  // which of them fail, one after the other
    std::size_t tried = 0, came_to_pass = 0;

    bool is_over() const { return tried == order.size(); }
};

// "" where a program in which this call failed may end so by itself, else "ended with signal 11; ".
// `how` as ChildPlatform says it, "exit 1" or "signal 6"; `said` is what it wrote in this life.
std::string end_problem(const FailingCall& failing, const std::string& how,
                        const std::string& said);
// The same of one that did not start; `refused` as FaultWorld says it.
std::string refusal_problem(const std::string& refused, const FailingCall& failing,
                            const std::string& how, const std::string& said);

// Without these nothing is proven: that a plain life makes such calls at all, and that one of those
// that were tried failed indeed.
std::string counting_problem(const std::vector<Walk>& walks);
std::string walk_problem(const Walk& walk);
// And that time was left for any of them.
std::string trying_problem(const std::vector<Walk>& walks);
std::string untried_calls(const Walk& walk);  // "12 of 345 ..." of one that is not over

}  // namespace tests::prove
