// Runs a program to its end: what it said and how it ended.
#pragma once

#include <string>
#include <vector>

namespace tests {

struct ProgramRun {
    int exit_code = -1;  // -1: ended by a signal
    int signal = 0;
    std::string out, error;

    // The value of the first line "name=value" of `out`; "" when there is none.
    std::string value(const std::string& name) const;
};

// `crash_at`: the crash point at which the program is to die ("" = none).
ProgramRun run_program(const std::vector<std::string>& arguments, const std::string& crash_at = {});

}  // namespace tests
