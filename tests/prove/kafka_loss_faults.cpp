#include "tests/prove/kafka_cluster_faults.hpp"

#include "tests/support/eventually.hpp"

#include <fmt/format.h>

#include <fstream>

namespace tests::prove {
namespace {

using namespace std::chrono_literals;

constexpr auto load_time = 3s;
constexpr auto notice_patience = 40s;
constexpr auto deletion_patience = 30s;
constexpr auto marks_patience = 10s;
constexpr int partitions = 4;
constexpr const char* what_is_said = "Kafka has lost records";

// Again as the program makes it, and full of what others wrote.
void make_anew(KafkaClusterWorld& world, int foreign_records) {
    world.admin().delete_topic(world.topic("chat"));
    world.cluster().wait_until_deleted(world.topic("chat"), deletion_patience);
    world.admin().create_topic(world.topic("chat"), partitions);
    world.admin().wait_in_sync(world.topic("chat"), LocalCluster::size, 30s);
    ClusterAdmin writer(world.cluster().inside());  // one that has not known the topic before
    for (int partition = 0; foreign_records > 0 && partition < partitions; ++partition)
        writer.append(world.topic("chat"), partition, foreign_records);
}

bool has_mark(KafkaClusterWorld& world, int partition) {
    std::ifstream marks(world.child().data() / "kafka-marks");
    const std::string of_partition = fmt::format("{} {} ", bus::name(bus::Topic::chat), partition);
    for (std::string line; std::getline(marks, line);)
        if (line.starts_with(of_partition)) return true;
    return false;
}

// Of each partition that has records: a kill leaves what tells them from others'.
void wait_until_marked(KafkaClusterWorld& world) {
    for (int partition = 0; partition < partitions; ++partition) {
        if (world.admin().end_of(world.topic("chat"), partition) == 0) continue;
        if (!eventually([&] { return has_mark(world, partition); }, marks_patience))
            throw std::runtime_error(fmt::format("no mark of chat/{}", partition));
    }
}

std::string start_again(KafkaClusterWorld& world) {
    try {
        world.start();
    } catch (const std::exception& refusal) {
        const std::string said = refusal.what();
        return said.find(what_is_said) != std::string::npos ? "refused, with the reason" : said;
    }
    return "it starts";
}

std::string anew_while_stopped(LocalCluster& cluster, int foreign_records) {
    KafkaClusterWorld world(cluster);
    world.start();
    world.load_for(load_time);
    world.child().stop();
    make_anew(world, foreign_records);
    return start_again(world);
}

std::string emptied_while_stopped(LocalCluster& cluster, const ClusterTimes&) {
    return anew_while_stopped(cluster, 0);
}
std::string others_while_stopped(LocalCluster& cluster, const ClusterTimes&) {
    return anew_while_stopped(cluster, 2'000);
}

// Nothing more goes into what is left; what comes is kept; and a kill does not make it forget.
std::string anew_while_it_serves(LocalCluster& cluster, const ClusterTimes&) {
    KafkaClusterWorld world(cluster);
    world.start();
    world.under_load([&] {
        wait_until_marked(world);
        make_anew(world, 2'000);
        const auto is_noticed = [&] {
            const std::string checks = world.checks();
            return checks.find("anew") != checks.npos || checks.find(what_is_said) != checks.npos;
        };
        if (!eventually(is_noticed, notice_patience))
            throw std::runtime_error("it is not noticed: " + world.checks());
    });
    const bool local = world.answered("202 local") > 0;
    const bool reads = world.reads();
    world.child().kill();
    return fmt::format("{}, {}, then {}", local ? "kept" : "no event was kept",
                       reads ? "reads are answered" : "reads are not answered", start_again(world));
}

int replay(KafkaClusterWorld& world, const std::string& request) {
    const Addresses addresses = world.child().addresses();
    return ProductClient(addresses)
        .api("POST", "/v1/replays", {{"authorization", "Bearer " + addresses.admin_key}}, request)
        .status;
}

// From the head, and less than what is folded: nothing of it is needed but the bodies, unless all
// is built anew.
std::string head_deleted(LocalCluster& cluster, const ClusterTimes&) {
    KafkaClusterWorld world(cluster);
    world.start();
    world.load_for(load_time);
    const std::string before = world.goes_on();  // bodies are read before they go
    for (int partition = 0; partition < partitions; ++partition)
        world.admin().delete_records(world.topic("chat"), partition,
                                     world.admin().end_of(world.topic("chat"), partition) / 2);
    world.load_for(load_time);
    world.child().kill();
    world.start();
    const std::string behind = world.caught_up();
    if (!behind.empty()) return behind;
    const int switched = replay(world, R"({"switch":true})");
    const std::string after = world.checked(checker::Proof::none);
    return fmt::format("before {}, switch {}, after {}, without expired {}", before, switched,
                       after, replay(world, R"({"switch":true,"without_expired":true})"));
}

}  // namespace

std::vector<ClusterFault> loss_faults() {
    const std::string refused = "refused, with the reason";
    return {
        {"emptied while stopped", refused, emptied_while_stopped},
        {"others' records under our offsets", refused, others_while_stopped},
        {"made anew while it serves", "kept, reads are answered, then " + refused,
         anew_while_it_serves},
        {"records deleted from the head",
         "before 0 faults, switch 409, after 0 faults, without expired 202", head_deleted},
    };
}

}  // namespace tests::prove
