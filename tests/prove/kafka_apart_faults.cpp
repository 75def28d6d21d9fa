// `receive` and `project` as two processes on three brokers.
#include "tests/prove/kafka_cluster_faults.hpp"
#include "tests/support/apart_platform.hpp"

#include <fmt/format.h>

namespace tests::prove {
namespace {

using namespace std::chrono_literals;
using namespace checker;

constexpr auto in_sync_patience = 60s, catch_up_patience = 90s;
constexpr auto before = 1'500ms, after = 1'500ms;
constexpr auto dead_for = 4s;  // a broker; more than its session

class Pair {
public:
    explicit Pair(LocalCluster& cluster)
        : prefix_(LocalCluster::fresh_prefix()),
          admin_(cluster.inside()),
          pair_(TRIBUTARY_PROGRAM, cluster.bootstrap(), prefix_, {"--kafka-replication", "3"}) {
        pair_.start();
        admin_.wait_in_sync(prefix_, LocalCluster::size, in_sync_patience);
        ProductClient client(pair_.addresses());
        load_.emplace(client, LoadOptions{.tenants = 4, .pause = 20'000us});
    }
    void under_load(const std::function<void()>& happens) {
        load_->start(pair_.addresses());
        std::this_thread::sleep_for(before);
        happens();
        load_->stop();
    }
    void start() { pair_.start(); }
    void kill() {
        pair_.receiving().kill();
        pair_.projecting().kill();
    }
    int busiest_leader() { return admin_.busiest_leader(prefix_); }
    void wait_in_sync() { admin_.wait_in_sync(prefix_, LocalCluster::size, in_sync_patience); }
    bool was_kept() const { return load_->answers().contains("202 local"); }

    // Once what receives has forwarded all that it kept, and what projects has folded it.
    std::string goes_on() {
        const auto deadline = std::chrono::steady_clock::now() + catch_up_patience;
        while (!is_forwarded() || !has_no_lag(pair_.addresses())) {
            if (std::chrono::steady_clock::now() > deadline) return "does not catch up";
            std::this_thread::sleep_for(100ms);
        }
        ProductClient client(pair_.addresses());
        const Verdict verdict = check(client, *load_, view_, Proof::rows, {.log_may_repeat = true});
        if (verdict.faults() == 0) return "0 faults";
        return to_string(verdict) + " " + verdict.examples.front();
    }

private:
    bool is_forwarded() {
        return !was_kept() ||
               pair_.receiving().said().find("event=spool_forwarded") != std::string::npos;
    }
    const std::string prefix_;
    ClusterAdmin admin_;
    ApartPlatform pair_;
    std::optional<CheckedLoad> load_;
    CheckedView view_;
};

std::string leader_and_both_killed(LocalCluster& cluster, const ClusterTimes&) {
    Pair pair(cluster);
    const int leader = pair.busiest_leader();
    pair.under_load([&] {
        cluster.kill(leader);
        std::this_thread::sleep_for(dead_for);
        pair.kill();
    });
    cluster.start(leader);
    pair.wait_in_sync();
    pair.start();
    pair.under_load([] { std::this_thread::sleep_for(after); });
    return pair.goes_on();
}

std::string brokers_down(LocalCluster& cluster, const ClusterTimes& times) {
    Pair pair(cluster);
    pair.under_load([&] {
        for (int broker = 1; broker <= LocalCluster::size; ++broker) cluster.kill(broker);
        std::this_thread::sleep_for(times.cut_off);
        cluster.start_missing();
        std::this_thread::sleep_for(after);
    });
    return fmt::format("{}, {}", pair.was_kept() ? "202 local" : "no event was kept",
                       pair.goes_on());
}

}  // namespace

std::vector<ClusterFault> apart_faults() {
    return {
        {"apart: leader killed, then both processes", "0 faults", leader_and_both_killed},
        {"apart: all down", "202 local, 0 faults", brokers_down},
    };
}

}  // namespace tests::prove
