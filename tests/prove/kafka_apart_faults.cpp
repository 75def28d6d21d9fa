// `receive` and `project` as two processes on three brokers.
#include "tests/prove/kafka_cluster_faults.hpp"
#include "tests/support/apart_platform.hpp"

namespace tests::prove {
namespace {

using namespace std::chrono_literals;

constexpr auto dead_for = 4s;  // a broker; more than its session
constexpr auto catching_up = 1'500ms;

class ApartWorld final : public ClusterWorld {
public:
    explicit ApartWorld(LocalCluster& cluster)
        : ClusterWorld(cluster),
          pair_(TRIBUTARY_PROGRAM, cluster.bootstrap(), prefix(), {"--kafka-replication", "3"}) {}
    void kill() {
        pair_.receiving().kill();
        pair_.projecting().kill();
    }
    void kill_receiving_with_spool() {
        pair_.receiving().kill();
        is_killed_with_spool_ = true;
    }

private:
    void launch() override { pair_.start(); }
    Addresses addresses() const override { return pair_.addresses(); }
    // What receives has no API; it says so once all of its spool is in Kafka.
    bool has_forwarded() override {
        return answered("202 local") == 0 ||
               forwarding_life().find("event=spool_forwarded") != std::string::npos;
    }

    // Once it was killed with a spool that nothing could be forwarded from, the life that follows.
    std::string forwarding_life() const {
        return is_killed_with_spool_ ? pair_.receiving().said_since_launch()
                                     : pair_.receiving().said();
    }

    ApartPlatform pair_;
    bool is_killed_with_spool_ = false;
};

std::string leader_and_both_killed(LocalCluster& cluster, const ClusterTimes&) {
    ApartWorld world(cluster);
    world.start();
    const int leader = world.admin().busiest_leader(world.prefix());
    world.under_load([&] {
        cluster.kill(leader);
        std::this_thread::sleep_for(dead_for);
        world.is_to_be_killed();
        world.kill();
    });
    cluster.start(leader);
    world.wait_in_sync();
    world.start();
    world.load_for(catching_up);
    return world.goes_on();
}

std::string brokers_down(LocalCluster& cluster, const ClusterTimes& times) {
    ApartWorld world(cluster);
    world.start();
    world.under_load([&] {
        cluster.kill_all();
        world.outage([&] { std::this_thread::sleep_for(times.cut_off); });
        cluster.start_missing();
    });
    return world.kept_and_goes_on();
}

std::string brokers_down_and_receiving_killed(LocalCluster& cluster, const ClusterTimes& times) {
    ApartWorld world(cluster);
    world.start();
    world.under_load([&] {
        cluster.kill_all();
        world.outage([&] { std::this_thread::sleep_for(times.cut_off); });
        world.is_to_be_killed();
        world.kill_receiving_with_spool();
    });
    cluster.start_missing();
    world.wait_in_sync();
    world.start();
    return world.kept_and_goes_on();
}

}  // namespace

std::vector<ClusterFault> apart_faults() {
    return {
        {"apart: leader killed, then both processes", "0 faults", leader_and_both_killed},
        {"apart: all down", "202 local, 0 faults", brokers_down},
        {"apart: all down, what receives killed", "202 local, 0 faults",
         brokers_down_and_receiving_killed},
    };
}

}  // namespace tests::prove
