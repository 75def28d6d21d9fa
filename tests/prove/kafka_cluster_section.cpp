// The program on three brokers: each fault of the table is done to them under a checked load.
#include "tests/prove/kafka_cluster_faults.hpp"
#include "tests/prove/section.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>

using namespace tests;
using namespace tests::prove;

namespace {

// As an hour of all sections gives it.
constexpr auto long_form = std::chrono::seconds{600};
constexpr auto all_down_in_quick = std::chrono::seconds{4};
constexpr auto all_down_in_long_form = std::chrono::seconds{120};

std::vector<ClusterFault> all_faults() {
    std::vector<ClusterFault> all = cluster_faults();
    for (const auto& more : {network_faults, client_faults, loss_faults, apart_faults})
        for (auto& fault : more()) all.push_back(std::move(fault));
    return all;
}

bool is_wanted(const ClusterFault& fault, const std::string& only) {
    if (only == "quick") return fault.quick;
    return only.empty() || fault.name.find(only) != std::string::npos;
}

void put_right(LocalCluster& cluster) {
    cluster.join_all();
    cluster.start_missing();
}

}  // namespace

int main(int argc, char** argv) {
    Section section(argc, argv,
                    "Brokers that die, hang, restart, lose records; networks that are slow, silent "
                    "or cut; the program on them is checked.\n"
                    "--only TEXT: faults whose name holds it, or quick; --all-down-seconds N",
                    "kafka_cluster_section --seed 7 --seconds 600");
    const std::string only = section.flag("--only", "");
    const auto seconds = std::chrono::seconds{std::stol(section.flag("--seconds", "60"))};
    ClusterTimes times;
    if (only == "quick") times.all_down = all_down_in_quick;
    if (seconds >= long_form) times.all_down = all_down_in_long_form;
    const std::string down = section.flag("--all-down-seconds", "");
    if (!down.empty()) times.all_down = std::chrono::seconds{std::stol(down)};

    std::vector<ClusterFault> faults = all_faults();
    std::erase_if(faults, [&](const auto& fault) { return !is_wanted(fault, only); });
    // In another order each time, so that a short run of another seed tries others.
    if (only.empty()) {
        std::mt19937_64 random(section.seed());
        std::shuffle(faults.begin(), faults.end(), random);
    }
    std::optional<LocalCluster> cluster;
    section.must("start", [&] {
        cluster.emplace();
        return "";
    });
    for (const ClusterFault& fault : faults) {
        if (!cluster || (only.empty() && !section.time_left())) {
            section.untried(fault.name, cluster ? "time was over" : "there is no cluster");
            continue;
        }
        section.fault(fault.name, fault.expected, [&] { return fault.run(*cluster, times); });
        section.must("put right", [&] {
            put_right(*cluster);
            return "";
        });
    }
    return section.finish();
}
