// A real Kafka broker of this test process, through tools/kafka/kafka. One serves all its tests.
#pragma once

#include "tests/support/temp_directory.hpp"

#include <string>

namespace tests {

class LocalBroker {
public:
    // Started by the first call; a broker that does not start fails the test. It ends with the
    // process, and its folder goes with it.
    static LocalBroker& instance();
    ~LocalBroker();

    const std::string& bootstrap() const { return bootstrap_; }
    void start();  // again, on the same folder and port
    void stop();
    void kill();  // as kill -9

    // A prefix for topic names that no other test uses.
    static std::string fresh_prefix();

private:
    LocalBroker();
    TempDirectory directory_;
    std::string bootstrap_;
};

// Runs a command line; its output, or a failed test when it does not end with 0.
std::string run_command(const std::string& command);
// The word behind `name` in what a command said, as "bootstrap="; fails the test when it is not
// there.
std::string word_after(const std::string& text, const std::string& name);

}  // namespace tests
