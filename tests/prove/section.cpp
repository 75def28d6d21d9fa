#define DOCTEST_CONFIG_IMPLEMENT
#include "tests/prove/section.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <stdexcept>

namespace tests::prove {
namespace {

constexpr int wrong_usage = 2;

// What stands beside an expectation: INFO, and the rest of a REQUIRE_MESSAGE.
std::string told_beside() {
    std::ostringstream told;
    const auto* const* beside = doctest::IReporter::get_active_contexts();
    for (int i = 0; i < doctest::IReporter::get_num_active_contexts(); ++i) {
        told << "; ";
        beside[i]->stringify(&told);
    }
    return told.str();
}

// What a REQUIRE or CHECK of the test support says outside of any test case.
void throw_failed(const doctest::AssertData& data) {
    if (data.m_failed)
        throw std::runtime_error(fmt::format("{}:{}: {} ({}){}", data.m_file, data.m_line,
                                             data.m_expr, data.m_decomp.c_str(), told_beside()));
}

void expectations_throw() {
    static doctest::Context context;
    context.setAsDefaultForAssertsOutOfTestCases();
    context.setAssertHandler(throw_failed);
}

std::uint64_t number(const std::string& text) {
    char* end = nullptr;
    const std::uint64_t value = std::strtoull(text.c_str(), &end, 10);
    if (!text.empty() && *end == '\0') return value;
    fmt::print(stderr, "not a number: '{}'; see --help\n", text);
    std::exit(wrong_usage);
}

std::string on_one_line(std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
}

std::string outcome_of(const std::function<std::string()>& run) {
    try {
        return on_one_line(run());
    } catch (const std::exception& failure) {
        return on_one_line(std::string("failed: ") + failure.what());
    }
}

}  // namespace

Section::Section(int argc, char** argv, std::string what_it_tries, std::string example)
    : arguments_(argv + 1, argv + argc) {
    if (std::find(arguments_.begin(), arguments_.end(), "--help") != arguments_.end()) {
        fmt::print("{}\nFlags: --seed N --seconds S\nExample: {}\n", what_it_tries, example);
        std::exit(0);
    }
    if (arguments_.size() % 2 != 0) {
        fmt::print(stderr, "flags come with a value; see --help\n");
        std::exit(wrong_usage);
    }
    expectations_throw();
    seed_ = number(flag("--seed", "1"));
    seconds_ = number(flag("--seconds", "60"));
    deadline_ = std::chrono::steady_clock::now() +
                std::chrono::seconds(static_cast<std::int64_t>(seconds_));
}

std::string Section::flag(const std::string& name, const std::string& otherwise) const {
    for (std::size_t i = 0; i + 1 < arguments_.size(); i += 2)
        if (arguments_[i] == name) return arguments_[i + 1];
    return otherwise;
}

void Section::attempt(const std::string& name, const std::function<std::string()>& run) {
    ++tried_;
    must(name, run);
}

void Section::must(const std::string& name, const std::function<std::string()>& run) {
    const std::string problem = outcome_of(run);
    if (problem.empty()) return;
    ++failed_;
    fmt::print("failure={} seed={} what={}\n", name, seed_, problem);
    std::fflush(stdout);
}

void Section::fault(const std::string& name, const std::string& expected,
                    const std::function<std::string()>& run) {
    ++tried_;
    const std::string seen = outcome_of(run);
    const bool ok = seen == expected;
    failed_ += !ok;
    fmt::print("fault={} expected={} seen={} ok={}\n", name, expected, seen, ok);
    std::fflush(stdout);
}

void Section::untried(const std::string& name, const std::string& why) const {
    fmt::print("untried={} why={}\n", name, why);
}

int Section::finish() const {
    fmt::print("tried={} failed={}\n", tried_, failed_);
    return tried_ > 0 && failed_ == 0 ? 0 : 1;
}

}  // namespace tests::prove
