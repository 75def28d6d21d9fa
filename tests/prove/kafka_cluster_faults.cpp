#include "tests/prove/kafka_cluster_faults.hpp"

namespace tests::prove {
namespace {

using namespace std::chrono_literals;

constexpr auto dead_for = 4s;  // a broker; more than its session
// At the latest when a message_timeout of 8 s has passed, of facts; of events sooner.
constexpr auto away_noticed = 10s;

std::string leader_killed(LocalCluster& cluster, const ClusterTimes&) {
    KafkaClusterWorld world(cluster);
    world.start();
    world.under_load([&] {
        const int leader = world.admin().busiest_leader(world.prefix());
        cluster.kill(leader);
        std::this_thread::sleep_for(dead_for);
        cluster.start(leader);
        world.wait_in_sync();
    });
    return world.goes_on();
}

std::string rolling_restart(LocalCluster& cluster, const ClusterTimes&) {
    KafkaClusterWorld world(cluster);
    world.start();
    world.under_load([&] {
        for (int broker = 1; broker <= LocalCluster::size; ++broker) {
            cluster.stop(broker);
            cluster.start(broker);
            world.wait_in_sync();
        }
    });
    return world.goes_on();
}

std::string all_down(LocalCluster& cluster, const ClusterTimes& times) {
    KafkaClusterWorld world(cluster);
    world.start();
    std::string reads = "reads are answered";
    world.under_load([&] {
        cluster.kill_all();
        world.outage([&] {
            std::this_thread::sleep_for(times.all_down);
            if (!world.reads()) reads = "reads are not answered";
        });
        cluster.start_missing();
    });
    return reads + ", " + world.kept_and_goes_on();
}

std::string all_down_and_killed(LocalCluster& cluster, const ClusterTimes& times) {
    KafkaClusterWorld world(cluster);
    world.start();
    world.under_load([&] {
        cluster.kill_all();
        world.outage([&] { std::this_thread::sleep_for(times.cut_off); });
        world.is_to_be_killed();
        world.child().kill();
    });
    cluster.start_missing();
    world.wait_in_sync();
    world.start();
    return world.kept_and_goes_on();
}

// Two of three: what is left may not take what two must have. The quorum of controllers is lost
// with them.
std::string two_down(LocalCluster& cluster, const ClusterTimes&) {
    KafkaClusterWorld world(cluster);
    world.start();
    world.under_load([&] {
        cluster.kill(1);
        cluster.kill(2);
        world.outage([&] { std::this_thread::sleep_for(away_noticed); });
        cluster.start_missing();
    });
    return world.kept_and_goes_on();
}

// One of three is down and the topics want all three: every append is refused by brokers that
// answer everything else.
std::string too_few_in_sync(LocalCluster& cluster, const ClusterTimes&) {
    KafkaClusterWorld world(cluster);
    world.start();
    for (const char* topic : loaded_topics) world.admin().set_min_in_sync(world.topic(topic), 3);
    world.under_load([&] {
        cluster.kill(3);
        world.outage([&] { std::this_thread::sleep_for(away_noticed + dead_for); });
        cluster.start(3);
    });
    return world.in_time() + world.kept_and_goes_on();
}

// The process neither works nor closes anything: a broker on a host that swaps, or pauses to
// collect garbage, and believes that it still leads when it wakes up. It leads what the door would
// have to know to be sure that a source does not exist.
std::string leader_hangs(LocalCluster& cluster, const ClusterTimes& times) {
    KafkaClusterWorld world(cluster);
    world.start();
    world.under_load([&] {
        const int leader = world.admin().leader_of(world.topic("control"), 0);
        cluster.freeze(leader);
        world.beside_strangers([&] { std::this_thread::sleep_for(times.cut_off); });
        cluster.thaw(leader);
        world.wait_in_sync();
    });
    return world.in_time() + world.goes_on();
}

}  // namespace

std::vector<ClusterFault> cluster_faults() {
    return {
        {"leader killed", "0 faults", leader_killed, true},
        {"all down", "reads are answered, 202 local, 0 faults", all_down, true},
        {"two of three down", "202 local, 0 faults", two_down},
        {"too few in sync", "in time, 202 local, 0 faults", too_few_in_sync},
        {"rolling restart", "0 faults", rolling_restart},
        {"leader hangs", "in time, 0 faults", leader_hangs},
        {"all down, program killed", "202 local, 0 faults", all_down_and_killed},
    };
}

}  // namespace tests::prove
