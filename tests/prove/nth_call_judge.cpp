#include "tests/prove/nth_call_judge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <map>

namespace tests::prove {
namespace {

constexpr std::size_t judged_from = 3;  // one life may be unlike those that were counted

// Files are linked and copied by backups and bases only.
bool is_of_works_alone(const std::string& call) {
    return call == "link" || call == "copy";
}

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
    const bool gives_a_reason = failing.error != 0 && refused.starts_with("refused: ") &&
                                gives_up(how) && refused.find("error") != refused.npos;
    return gives_a_reason || end_problem(failing, how, said).empty() ? "" : refused + "; ";
}

// Nobody answers where the answer itself could not be sent or read.
std::string work_problem(const AskedWork& asked, const FailingCall& failing) {
    if (asked.status == 202 && asked.state == "done") return "";
    if (failing.error == 0)
        return fmt::format("{} {} {} {}; ", asked.status, asked.answer, asked.state, asked.error);
    if (asked.status == 0) return "";
    if (asked.status == 503) return asked.answer.empty() ? "refused without a reason; " : "";
    if (asked.status != 202) return fmt::format("refused with {} {}; ", asked.status, asked.answer);
    if (asked.state != "failed") return "never ends; ";
    return asked.error.empty() ? "fails without a reason; " : "";
}

std::string counting_problem(const std::vector<Walk>& walks, bool with_all_works) {
    std::map<std::string, std::uint64_t> calls;
    for (const Walk& walk : walks)
        if (with_all_works || !is_of_works_alone(walk.failing.call))
            calls[walk.failing.name()] += walk.calls;
    std::string never;
    for (const auto& [name, times] : calls)
        if (times == 0) never += " " + name;
    return never.empty() ? "" : "never called in a plain life:" + never;
}

std::string walk_problem(const Walk& walk) {
    const bool is_empty = walk.sure >= judged_from && walk.came_to_pass == 0;
    return is_empty ? fmt::format("tried {} times and never failed", walk.tried) : "";
}

std::string trying_problem(const std::vector<Walk>& walks) {
    const auto was_tried = [](const Walk& walk) { return walk.tried > 0; };
    return std::any_of(walks.begin(), walks.end(), was_tried) ? "" : "no call was let fail";
}

std::string untried_calls(const std::vector<Walk>& walks) {
    std::size_t all = 0, tried = 0;
    for (const Walk& walk : walks) all += walk.order.size(), tried += walk.tried;
    return all == tried ? ""
                        : fmt::format("{} of {} calls were not let fail before the time was over",
                                      all - tried, all);
}

}  // namespace tests::prove
