// What can happen to three brokers, or to the network in front of them; one function each. Each
// leaves the cluster whole again and gives what was seen, in the words of the table of faults.
#pragma once

#include "tests/prove/kafka_cluster_world.hpp"

#include <string>
#include <vector>

namespace tests::prove {

struct ClusterTimes {
    std::chrono::milliseconds all_down{12'000};  // in the fault of this name
    std::chrono::milliseconds cut_off{12'000};
};

struct ClusterFault {
    std::string name;
    std::string expected;
    std::function<std::string(LocalCluster&, const ClusterTimes&)> run;
    bool quick = false;  // in tools/test too
};

std::vector<ClusterFault> cluster_faults();  // brokers that die, restart, hang or are too few
std::vector<ClusterFault> network_faults();  // what the proxies do
std::vector<ClusterFault> client_faults();   // what the brokers do not take from us
std::vector<ClusterFault> apart_faults();    // the same, with two processes on them
std::vector<ClusterFault> loss_faults();     // what they do not have any more

}  // namespace tests::prove
