// Three real Kafka brokers of this process, through tools/kafka/kafka, three copies of everything.
// Clients reach each broker through a proxy of its own; brokers reach each other directly.
#pragma once

#include "tests/support/tcp_proxy.hpp"
#include "tests/support/temp_directory.hpp"

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <string>

namespace tests {

class LocalCluster {
public:
    static constexpr int size = 3;
    static constexpr const char* user = "tributary";
    static constexpr const char* password = "only-for-tests";

    // Started when made; a broker that does not start fails the test. All end with the process.
    LocalCluster();
    ~LocalCluster();
    LocalCluster(const LocalCluster&) = delete;
    LocalCluster& operator=(const LocalCluster&) = delete;

    const std::string& bootstrap() const { return bootstrap_; }  // through the proxies
    const std::string& inside() const { return inside_; }        // past them
    const std::string& sasl() const { return sasl_; }            // asks for user and password

    // Brokers are 1 to 3, as their ids.
    TcpProxy& proxy(int broker) { return proxies_.at(static_cast<std::size_t>(broker - 1)); }
    std::array<TcpProxy, size>& proxies() { return proxies_; }
    void kill(int broker);  // as kill -9
    void kill_all();
    void stop(int broker);          // politely: it hands its partitions over
    void start(int broker);         // again, with its data; returns when it is ready
    void start_missing();           // all that do not run, together
    void freeze(int broker) const;  // neither works nor closes anything, until thaw()
    void thaw(int broker) const;

    // While none runs: no broker's disk has the newer half of a partition's batches any more, as
    // after a power cut of all. The first offset that is gone; 0 where there are less than two.
    std::int64_t cut_tail(const std::string& topic, int partition) const;

    // A deleted topic stands on no broker's disk any more, so that none answers for it.
    void wait_until_deleted(const std::string& topic, std::chrono::milliseconds patience) const;
    // A prefix for topic names that no other test uses.
    static std::string fresh_prefix();

private:
    std::filesystem::path folder(int broker) const;
    bool holds(const std::string& topic) const;
    pid_t process(int broker) const;

    TempDirectory directory_;
    std::array<TcpProxy, size> proxies_;
    std::string bootstrap_, inside_, sasl_;
};

}  // namespace tests
