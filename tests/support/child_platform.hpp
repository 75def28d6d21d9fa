// `tributary serve` (or receive, or project) as a child process on a folder of its own: what a
// kill -9 does to it is real.
#pragma once

#include "tests/support/product_client.hpp"
#include "tests/support/temp_directory.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

namespace tests {

class ChildPlatform {
public:
    // `log` "" leaves --log out; `data` "" is a folder of its own. Four partitions, unless
    // `more_flags` says otherwise.
    ChildPlatform(std::string program, std::string log, std::vector<std::string> more_flags = {},
                  std::filesystem::path data = {}, std::string role = "serve");
    ~ChildPlatform() { kill(); }
    ChildPlatform(const ChildPlatform&) = delete;
    ChildPlatform& operator=(const ChildPlatform&) = delete;

    // "NAME=VALUE" beside what this process has, for the lives that follow.
    void set_environment(std::vector<std::string> variables) {
        more_environment_ = std::move(variables);
    }
    void launch();  // returns at once
    void start();   // returns when it is ready; a child that ends or hangs fails the test
    void kill();    // as kill -9
    // The same. What it said when it had ended by itself before, which no kill explains, else "".
    std::string kill_serving();
    int stop();  // SIGTERM; its exit code, -1 when a signal ended it or it had to be killed
    const Addresses& addresses() const { return addresses_; }
    std::filesystem::path data() const { return data_; }
    pid_t process() const { return pid_; }
    // Asks again where it serves, after it has moved within its process.
    bool find_again() { return serves(); }
    int wait_for_end();                                    // as waitpid tells
    bool ends_within(std::chrono::milliseconds patience);  // by itself
    bool has_ended() { return ends_within({}); }
    std::string said() const;               // its standard output and error so far
    std::string said_since_launch() const;  // the same of its last life
    std::string how_it_ended() const;       // "exit 1", "signal 6"

private:
    pid_t spawn() const;
    bool serves();
    bool is_gone(int how_to_wait);

    TempDirectory directory_;
    const std::filesystem::path data_;
    std::string program_;
    std::vector<std::string> flags_, more_environment_;
    pid_t pid_ = 0;
    int status_ = 0;  // of its last end
    std::size_t said_before_ = 0;
    Addresses addresses_;
};

}  // namespace tests
