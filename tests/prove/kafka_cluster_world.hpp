// `serve` as one process on three brokers.
#pragma once

#include "tests/prove/cluster_world.hpp"
#include "tests/support/child_platform.hpp"

namespace tests::prove {

class KafkaClusterWorld final : public ClusterWorld {
public:
    // More flags of `serve`; `brokers` "" = through the proxies.
    explicit KafkaClusterWorld(LocalCluster& cluster, std::vector<std::string> flags = {},
                               const std::string& brokers = {});
    ChildPlatform& child() { return child_; }

private:
    void launch() override;
    Addresses addresses() const override { return child_.addresses(); }
    bool has_forwarded() override;

    ChildPlatform child_;
};

}  // namespace tests::prove
