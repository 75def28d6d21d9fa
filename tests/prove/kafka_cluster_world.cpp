#include "tests/prove/kafka_cluster_world.hpp"

namespace tests::prove {
namespace {

std::vector<std::string> flags_with(const std::string& prefix, std::vector<std::string> flags) {
    flags.insert(flags.end(), {"--kafka-prefix", prefix, "--kafka-replication", "3"});
    return flags;
}

std::string last_line(const std::string& text) {
    const auto end = text.find_last_not_of('\n');
    if (end == std::string::npos) return {};
    return text.substr(text.rfind('\n', end) + 1, end - text.rfind('\n', end));
}

}  // namespace

KafkaClusterWorld::KafkaClusterWorld(LocalCluster& cluster, std::vector<std::string> flags,
                                     const std::string& brokers)
    : ClusterWorld(cluster),
      child_(TRIBUTARY_PROGRAM, "kafka:" + (brokers.empty() ? cluster.bootstrap() : brokers),
             flags_with(prefix(), std::move(flags))) {}

void KafkaClusterWorld::launch() {
    try {
        child_.start();
    } catch (const std::exception&) {
        throw std::runtime_error("it does not start: " + last_line(child_.said()));
    }
}

bool KafkaClusterWorld::has_forwarded() {
    return checks().find("kafka accepts events") != std::string::npos;
}

}  // namespace tests::prove
