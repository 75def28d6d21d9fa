// What every section of the long proof shares: its flags, its last lines, and that a failed
// expectation of the test support ends one attempt and not the program.
//
//   SECTION --seed N --seconds S
//   fault=NAME expected=ANSWER seen=ANSWER ok=true|false    for the table of faults
//   untried=NAME why=REASON                                 of what it would have tried
//   tried=N failed=M                                        the last line
// Exit code: 0 when something was tried and nothing failed, else 1; 2 for wrong usage.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace tests::prove {

class Section {
public:
    // Further flags, "--log kafka", are looked up with flag(). Wrong usage ends the program.
    Section(int argc, char** argv, std::string what_it_tries, std::string example);

    std::uint64_t seed() const { return seed_; }
    std::uint64_t seconds() const { return seconds_; }  // in all
    bool time_left() const { return std::chrono::steady_clock::now() < deadline_; }
    std::string flag(const std::string& name, const std::string& otherwise) const;

    // One attempt: counted, and failed with what it gives ("" = it went well) or throws.
    void attempt(const std::string& name, const std::function<std::string()>& run);
    // One attempt that is a line of the table of faults; `run` gives what was seen.
    void fault(const std::string& name, const std::string& expected,
               const std::function<std::string()>& run);

    // What is done or judged beside the attempts, as setting up is: not counted as tried, but its
    // failure is one of the section.
    void must(const std::string& name, const std::function<std::string()>& run);
    void untried(const std::string& name, const std::string& why) const;  // is no failure

    int finish() const;  // prints the last line; the exit code

private:
    std::vector<std::string> arguments_;
    std::uint64_t seed_ = 1, seconds_ = 0;
    std::chrono::steady_clock::time_point deadline_;
    std::size_t tried_ = 0, failed_ = 0;
};

}  // namespace tests::prove
