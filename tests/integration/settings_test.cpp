// Settings of what runs as a service: each may stand in the environment, and a misspelt one is
// told.
#include "tests/support/child_platform.hpp"
#include "tests/support/program_run.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

using namespace tests;

namespace {

const std::string program = TRIBUTARY_PROGRAM;

// Of the help: "  --name TEXT (Env:TRIBUTARY_NAME)", and behind it what it is.
std::vector<std::string> option_lines(const std::string& help) {
    std::vector<std::string> lines;
    std::istringstream text(help);
    for (std::string line; std::getline(text, line);)
        if (line.starts_with("  -")) lines.push_back(line);
    return lines;
}

}  // namespace

TEST_CASE("each option of what runs as a service may stand in the environment") {
    for (const char* role : {"serve", "receive", "project"}) {
        CAPTURE(role);
        const auto lines = option_lines(run_program({program, role, "--help"}).out);
        CHECK(lines.size() >= 13);
        for (const std::string& line : lines) {
            CAPTURE(line);
            std::string name = line.substr(line.find("--") + 2);
            name = name.substr(0, name.find_first_of(" ,"));
            if (name == "help") continue;
            std::transform(name.begin(), name.end(), name.begin(),
                           [](char c) { return c == '-' ? '_' : std::toupper(c); });
            CHECK(line.find("(Env:TRIBUTARY_" + name + ")") != std::string::npos);
        }
    }
}

TEST_CASE("a setting that no option takes is told at the start, others are not") {
    ChildPlatform child(program, "");
    child.set_environment({"TRIBUTARY_ON_CHANG=refuse", "TRIBUTARY_ON_CHANGE=refuse",
                           "TRIBUTARY_SOURCE_RATE=100", "TRIBUTARY_CRASH_AT=no.such_point"});
    child.start();
    const std::string said = child.said();
    CHECK(said.find("setting_unknown") != std::string::npos);
    CHECK(said.find("TRIBUTARY_ON_CHANG\n") != std::string::npos);
    for (const char* known : {"TRIBUTARY_ON_CHANGE", "TRIBUTARY_SOURCE_RATE", "TRIBUTARY_CRASH_AT"})
        CHECK(said.find(known) == std::string::npos);
}
