// The long works of an operator, each in lives of its own of the n-th failing call (nth_call.hpp).
#pragma once

#include "tests/prove/fault_world.hpp"

#include <functional>
#include <string>
#include <vector>

namespace tests::prove {

// One that everything has been made for.
struct Work {
    std::string target, body;   // POST
    std::string resume_body{};  // where it was begun before: "" = as the first time
    // What is not as it says: of its job that is done, "" where all is.
    std::function<std::string(FaultWorld&, const Document& job)> problem;
};

struct KindOfWork {
    std::string name;
    bool is_for_kafka;
    std::function<Work(FaultWorld&)> prepare;
};

std::vector<KindOfWork> kinds_of_work();

// Of what is older than a second, which something is.
Work expiry(FaultWorld& world);

}  // namespace tests::prove
