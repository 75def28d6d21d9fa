#include "tests/prove/answers_judge.hpp"

#include <fmt/format.h>

namespace tests::prove {

using namespace checker;

namespace {

constexpr const char* no_answer = "no answer";
constexpr const char* refused_answer = "503 with Retry-After";

bool is_designed(const std::string& how, Unanswered unanswered) {
    if (how == no_answer) return unanswered == Unanswered::at_kill;
    return how == replicated_answer || how == kept_answer;
}

// In an outage.
std::string source_problem(const SourceAnswers& source, bool is_away, Unanswered unanswered) {
    if (auto problem = answers_problem(source.answers, unanswered); !problem.empty())
        return problem;
    const bool in_log = source.answers.contains(replicated_answer);
    if (is_away && in_log) return "an event was answered as replicated";
    if (is_away && !source.answers.contains(kept_answer)) return "no event was kept";
    if (!is_away && !in_log) return "no event was replicated, although its leader was there";
    return {};
}

}  // namespace

std::string answers_problem(const Answers& answers, Unanswered unanswered) {
    for (const auto& [how, times] : answers)
        if (!is_designed(how, unanswered)) return fmt::format("answered {} times: {}", times, how);
    return {};
}

std::string outage_problem(const std::vector<SourceAnswers>& sources,
                           const std::function<bool(const SourceAnswers&)>& is_away,
                           Unanswered unanswered) {
    bool any_away = false;
    for (const SourceAnswers& source : sources) {
        const bool away = is_away(source);
        const auto problem = source_problem(source, away, unanswered);
        if (!problem.empty()) return fmt::format("of {}: {}", source.source, problem);
        any_away = any_away || away;
    }
    return any_away ? "" : "no source was away";
}

std::string all_refused_problem(const std::vector<SourceAnswers>& sources) {
    for (const SourceAnswers& source : sources) {
        if (source.answers.empty())
            return fmt::format("of {}: no event was answered", source.source);
        for (const auto& [how, times] : source.answers)
            if (how != refused_answer)
                return fmt::format("of {}: answered {} times: {}", source.source, times, how);
    }
    return sources.empty() ? "nobody was answered" : "";
}

}  // namespace tests::prove
