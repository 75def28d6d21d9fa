// A product on three brokers under a checked load, while something happens to the brokers or to the
// network between: what is waited for and checked is the same for one process and for two.
#pragma once

#include "tests/support/checked_view.hpp"
#include "tests/support/cluster_admin.hpp"
#include "tests/support/local_cluster.hpp"

#include <functional>
#include <optional>

namespace tests::prove {

class ClusterWorld {
public:
    virtual ~ClusterWorld() = default;
    void start();  // with the first one the tenants are made

    // The load runs before, while and after it happens.
    void under_load(const std::function<void()>& happens);
    // Meanwhile somebody asks for a source that does not exist, again and again.
    void beside_strangers(const std::function<void()>& happens);
    void load_for(std::chrono::milliseconds time);
    // All that waited on the disk is in Kafka and the rows have all of it; "" or why not.
    std::string caught_up();
    // "0 faults", or what the checker says.
    std::string checked(checker::Proof proof = checker::Proof::rows);
    // caught_up(), then checked().
    std::string goes_on();
    // "202 local, " and that, or that nothing was kept meanwhile.
    std::string kept_and_goes_on();

    // Times of each answer of the load: "200 replicated", "202 local", "503".
    std::size_t answered(const std::string& how) const;
    // "in time, ", or how long an answer took.
    std::string in_time() const;
    std::string checks();  // what the operator is told
    bool reads();

    void wait_in_sync();  // all replicas of its topics
    std::string topic(const std::string& short_name) const;
    const std::string& prefix() const { return prefix_; }
    ClusterAdmin& admin() { return admin_; }
    LocalCluster& cluster() { return cluster_; }

protected:
    explicit ClusterWorld(LocalCluster& cluster);  // on topics of its own

private:
    virtual void launch() = 0;  // returns when all of it serves
    virtual Addresses addresses() const = 0;
    virtual bool has_forwarded() = 0;

    LocalCluster& cluster_;
    const std::string prefix_;
    ClusterAdmin admin_;
    std::optional<checker::CheckedLoad> load_;
    checker::CheckedView view_;
};

}  // namespace tests::prove
