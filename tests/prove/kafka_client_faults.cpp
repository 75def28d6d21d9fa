#include "tests/prove/kafka_cluster_faults.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>

namespace tests::prove {
namespace {

using namespace std::chrono_literals;

constexpr auto refusal_within = 15s;
constexpr auto load_time = 4s;
constexpr const char* wrong_password = "nobody-knows-this";

// As an operator writes it, for --kafka-properties.
void write_properties(const std::filesystem::path& file, const std::string& password) {
    std::ofstream(file)
        << "# for tests\nsecurity.protocol=SASL_PLAINTEXT\nsasl.mechanisms = PLAIN\n"
        << "\nsasl.username=" << LocalCluster::user << "\nsasl.password=" << password << "\n";
}

std::string with_password(LocalCluster& cluster, const ClusterTimes&) {
    TempDirectory directory;
    const auto file = directory.path() / "kafka.properties";
    write_properties(file, LocalCluster::password);
    KafkaClusterWorld world(cluster, {"--kafka-properties", file.string()}, cluster.sasl());
    world.start();
    world.load_for(load_time);
    if (world.answered(checker::kept_answer) == 0) world.nothing_failed();
    const std::string seen = world.goes_on();
    const bool told = world.child().said().find(LocalCluster::password) != std::string::npos;
    return told ? "the password is told" : seen;
}

std::string with_wrong_password(LocalCluster& cluster, const ClusterTimes&) {
    TempDirectory directory;
    const auto file = directory.path() / "kafka.properties";
    write_properties(file, wrong_password);
    KafkaClusterWorld world(cluster, {"--kafka-properties", file.string()}, cluster.sasl());
    const auto before = std::chrono::steady_clock::now();
    try {
        world.start();
    } catch (const std::exception&) {
        const std::string said = world.child().said();
        if (std::chrono::steady_clock::now() - before > refusal_within) return "refused late";
        if (said.find(wrong_password) != std::string::npos) return "the password is told";
        if (said.find("does not let us in") == std::string::npos) return "refused: " + said;
        return "refused, with the reason";
    }
    return "it starts";
}

// The brokers refuse the producer for good, after every 100 records.
std::string refused_for_good(LocalCluster& cluster, const ClusterTimes&) {
    KafkaClusterWorld world(cluster);
    ::setenv("TRIBUTARY_KAFKA_FATAL_EVERY", "100", 1);
    try {
        world.start();
    } catch (...) {
        ::unsetenv("TRIBUTARY_KAFKA_FATAL_EVERY");
        throw;
    }
    ::unsetenv("TRIBUTARY_KAFKA_FATAL_EVERY");
    world.load_for(2 * load_time);
    const bool made_anew =
        world.child().said().find("kafka_producer_replaced") != std::string::npos;
    return fmt::format("{}, {}", made_anew ? "made anew" : "it never came to that",
                       world.goes_on());
}

}  // namespace

std::vector<ClusterFault> client_faults() {
    return {
        {"right password", "0 faults", with_password},
        {"wrong password", "refused, with the reason", with_wrong_password},
        {"producer refused for good", "made anew, 0 faults", refused_for_good},
    };
}

}  // namespace tests::prove
