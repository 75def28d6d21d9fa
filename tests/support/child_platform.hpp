// `tributary serve` as a child process on a folder of its own: what a kill -9 does to it is real.
#pragma once

#include "tests/support/product_client.hpp"
#include "tests/support/temp_directory.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

namespace tests {

class ChildPlatform {
public:
    ChildPlatform(std::string program, std::string log, std::vector<std::string> more_flags = {});
    ~ChildPlatform() { kill(); }
    ChildPlatform(const ChildPlatform&) = delete;
    ChildPlatform& operator=(const ChildPlatform&) = delete;

    void start();  // returns when it is ready; a child that ends or hangs fails the test
    void kill();   // as kill -9
    int stop();    // SIGTERM; its exit code
    const Addresses& addresses() const { return addresses_; }
    std::filesystem::path data() const { return directory_.path() / "data"; }
    std::string said() const;  // its standard output and error so far

private:
    pid_t spawn() const;
    bool serves();
    int wait_for_end();

    TempDirectory directory_;
    std::string program_;
    std::vector<std::string> flags_;
    pid_t pid_ = 0;
    Addresses addresses_;
};

}  // namespace tests
