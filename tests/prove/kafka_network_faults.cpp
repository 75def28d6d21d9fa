#include "tests/prove/kafka_cluster_faults.hpp"

namespace tests::prove {
namespace {

using namespace std::chrono_literals;

constexpr auto slow_by = 200ms;
constexpr auto slow_for = 6s;
constexpr auto first_load = 1s;

using ToProxy = void (*)(TcpProxy&);
void pass(TcpProxy& proxy) {
    proxy.pass();
}
void swallow(TcpProxy& proxy) {
    proxy.swallow();
}
void cut(TcpProxy& proxy) {
    proxy.cut();
}
void forget_and_pass(TcpProxy& proxy) {
    proxy.forget_and_pass();
}

// A broker that leads what some source is told to is out of the program's reach, though not of its
// peers': nobody else takes over, so its partitions are as good as away.
std::string one_broker(LocalCluster& cluster, const ClusterTimes& times, ToProxy away,
                       ToProxy back) {
    KafkaClusterWorld world(cluster);
    world.start();
    world.load_for(first_load);
    const int broker = world.leader_of_a_source();
    world.under_load([&] {
        TcpProxy& proxy = cluster.proxy(broker);
        away(proxy);
        world.outage_of(broker, [&] { std::this_thread::sleep_for(times.cut_off); });
        back(proxy);
    });
    return world.in_time() + world.kept_and_goes_on();
}

std::string all_brokers(LocalCluster& cluster, const ClusterTimes& times, ToProxy away,
                        ToProxy back) {
    KafkaClusterWorld world(cluster);
    world.start();
    std::string reads = "reads are answered";
    world.under_load([&] {
        for (TcpProxy& proxy : cluster.proxies()) away(proxy);
        world.outage([&] {
            std::this_thread::sleep_for(times.cut_off);
            if (!world.reads()) reads = "reads are not answered";
        });
        for (TcpProxy& proxy : cluster.proxies()) back(proxy);
    });
    return reads + ", " + world.in_time() + world.kept_and_goes_on();
}

// The one that leads what a source is told to is alone: the others fence it and lead in its place,
// while it goes on believing that it leads, and answers nothing that two must have.
std::string leader_alone(LocalCluster& cluster, const ClusterTimes& times, bool without_clients) {
    KafkaClusterWorld world(cluster);
    world.start();
    world.load_for(first_load);
    const int leader = world.leader_of_a_source();
    bool led_by_others = false;
    world.under_load([&] {
        cluster.isolate_from_peers(leader);
        if (without_clients) cluster.proxy(leader).swallow();
        std::this_thread::sleep_for(times.cut_off);
        led_by_others = world.leader_of_a_source_seen_by_others(leader) != leader;
        cluster.join_all();
    });
    world.wait_in_sync();
    return (led_by_others ? "others lead, " : "nobody took over, ") + world.in_time() +
           world.goes_on();
}

std::string slow_network(LocalCluster& cluster, const ClusterTimes&) {
    KafkaClusterWorld world(cluster);
    world.start();
    for (TcpProxy& proxy : cluster.proxies()) proxy.delay(slow_by);
    world.load_for(slow_for);
    for (TcpProxy& proxy : cluster.proxies()) proxy.delay(0ms);
    std::string seen = world.goes_on();  // the checker reads each body, one after the other
    if (world.answered("202 local") > 0) return "202 local, " + seen;
    return seen;
}

}  // namespace

std::vector<ClusterFault> network_faults() {
    const auto one = [](ToProxy away, ToProxy back) {
        return [=](LocalCluster& cluster, const ClusterTimes& times) {
            return one_broker(cluster, times, away, back);
        };
    };
    const auto all = [](ToProxy away, ToProxy back) {
        return [=](LocalCluster& cluster, const ClusterTimes& times) {
            return all_brokers(cluster, times, away, back);
        };
    };
    const auto alone = [](bool without_clients) {
        return [=](LocalCluster& cluster, const ClusterTimes& times) {
            return leader_alone(cluster, times, without_clients);
        };
    };
    const std::string kept = "in time, 202 local, 0 faults";
    const std::string kept_and_read = "reads are answered, in time, 202 local, 0 faults";
    return {
        {"one broker cut off", kept, one(cut, pass)},
        {"one broker a black hole", kept, one(swallow, pass)},
        {"one broker forgotten", kept, one(swallow, forget_and_pass)},
        {"all cut off", kept_and_read, all(cut, pass)},
        {"all a black hole", kept_and_read, all(swallow, pass)},
        {"all forgotten", kept_and_read, all(swallow, forget_and_pass)},
        {"leader cut off from its peers", "others lead, in time, 0 faults", alone(false)},
        {"leader cut off from everybody", "others lead, in time, 0 faults", alone(true)},
        {"200 ms each way", "0 faults", slow_network},
    };
}

}  // namespace tests::prove
