#include "tests/prove/nth_call_judge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

namespace tests::prove {
namespace {

bool gives_up(const std::string& how) {
    return how.starts_with("exit ") && how != "exit 0";
}

}  // namespace

// RocksDB as Debian builds it ends the process over some failed writes and where it gets no thread,
// and we do where memory is out; what follows is as after kill -9. Only jemalloc may end it by a
// segmentation fault: where it gets no memory for an arena, it locks the arena that it has not got.
std::string end_problem(const FailingCall& failing, const std::string& how,
                        const std::string& said) {
    const bool aborts = how == "signal 6";
    const bool is_out_of_something = failing.error == ENOMEM || failing.call == "spawn";
    if (failing.call == "mmap" && how == "signal 11") return "";
    const bool may_end = is_out_of_something ? aborts || gives_up(how)
                                             : aborts && said.find("Assertion") != said.npos;
    return may_end ? "" : "ended with " + how + "; ";
}

std::string refusal_problem(const std::string& refused, const FailingCall& failing,
                            const std::string& how, const std::string& said) {
    const bool gives_a_reason =
        refused.starts_with("refused: ") && gives_up(how) && refused.find("error") != refused.npos;
    return gives_a_reason || end_problem(failing, how, said).empty() ? "" : refused + "; ";
}

std::string counting_problem(const std::vector<Walk>& walks) {
    std::string never;
    for (const Walk& walk : walks)
        if (walk.calls == 0) never += " " + walk.failing.name();
    return never.empty() ? "" : "never called in a plain life:" + never;
}

std::string walk_problem(const Walk& walk) {
    const bool is_empty = walk.tried > 0 && walk.came_to_pass == 0;
    return is_empty ? fmt::format("tried {} times and never failed", walk.tried) : "";
}

std::string trying_problem(const std::vector<Walk>& walks) {
    const auto was_tried = [](const Walk& walk) { return walk.tried > 0; };
    return std::any_of(walks.begin(), walks.end(), was_tried) ? "" : "no call was let fail";
}

std::string untried_calls(const Walk& walk) {
    return fmt::format("{} of {} calls were not let fail before the time was over",
                       walk.order.size() - walk.tried, walk.order.size());
}

}  // namespace tests::prove
