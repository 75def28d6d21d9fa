// Three real Kafka brokers of this process, through tools/kafka/kafka, three copies of everything.
// Clients reach each broker through a proxy of its own, and so do its peers through others: one for
// the records that they copy from it, and one for each way from a node to another's controller.
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
    const std::string& inside() const { return inside_; }        // as its peers reach a broker
    const std::string& sasl() const { return sasl_; }            // asks for user and password

    // Brokers are 1 to 3, as their ids.
    std::string client_address(int broker) { return address_of(proxy(broker)); }
    TcpProxy& proxy(int broker) { return proxies_.at(static_cast<std::size_t>(broker - 1)); }
    std::array<TcpProxy, size>& proxies() { return proxies_; }
    // No peer copies from this broker, and it and the other controllers do not hear each other. It
    // still reaches the others' records and its clients.
    void isolate_from_peers(int broker);
    void join_all();        // every proxy passes, at once
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
    static std::string address_of(const TcpProxy& proxy) {
        return "127.0.0.1:" + std::to_string(proxy.port());
    }
    std::filesystem::path folder(int broker) const;
    bool holds(const std::string& topic) const;
    pid_t process(int broker) const;

    TempDirectory directory_;
    struct Way {  // from a node to another's controller
        int from = 0, to = 0;
        TcpProxy proxy{};
    };
    void make();

    std::array<TcpProxy, size> proxies_, to_records_;
    std::array<Way, 6> to_controllers_{{{1, 2}, {1, 3}, {2, 1}, {2, 3}, {3, 1}, {3, 2}}};
    std::string bootstrap_, inside_, sasl_;
};

}  // namespace tests
