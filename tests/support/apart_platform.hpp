// `tributary project` and `tributary receive` as two child processes that share a real Kafka.
#pragma once

#include "tests/support/child_platform.hpp"

namespace tests {

class ApartPlatform {
public:
    // `brokers` as "HOST:PORT,..."; `prefix` of the topics is this pair's own.
    ApartPlatform(const std::string& program, const std::string& brokers, const std::string& prefix,
                  const std::vector<std::string>& more_flags = {});

    // Starts what does not run; the keys of the one that projects are those of both.
    void start();
    ChildPlatform& projecting() { return project_; }
    ChildPlatform& receiving() { return receive_; }
    const ChildPlatform& receiving() const { return receive_; }
    Addresses addresses() const;  // the API of the one, the ingress of the other

private:
    ChildPlatform project_, receive_;
};

}  // namespace tests
