// A product on three brokers under a checked load, while something happens to the brokers or to the
// network between: what is waited for and checked is the same for one process and for two.
#pragma once

#include "tests/prove/answers_judge.hpp"
#include "tests/support/checked_view.hpp"
#include "tests/support/cluster_admin.hpp"
#include "tests/support/local_cluster.hpp"

#include <functional>
#include <map>
#include <optional>
#include <set>

namespace tests::prove {

inline constexpr int partitions = 4;  // of each topic
inline constexpr const char* loaded_topics[] = {"chat", "voice", "email", "billing"};

class ClusterWorld {
public:
    virtual ~ClusterWorld() = default;
    void start();  // with the first one the tenants are made

    // The load runs before, while and after it happens.
    void under_load(const std::function<void()>& happens);
    // Within that: meanwhile nothing can be appended, or nothing that this broker leads.
    void outage(const std::function<void()>& happens) { outage(everything(), happens); }
    int leader_of_a_source();  // of one that was answered before; not while the load runs
    // As a broker other than this one says; only that one is asked.
    int leader_of_a_source_seen_by_others(int broker);
    void outage_of(int broker, const std::function<void()>& happens) {
        outage(led_by(broker), happens);
    }
    // The product is killed under load: what is under way gets no answer.
    void is_to_be_killed() { unanswered_ = Unanswered::at_kill; }
    // Nothing had to be sent to Kafka again, so the log has each event once.
    void nothing_failed() { log_may_repeat_ = false; }
    // Meanwhile somebody asks for a source that does not exist, again and again.
    void beside_strangers(const std::function<void()>& happens);
    void load_for(std::chrono::milliseconds time);
    // All that waited on the disk is in Kafka and the rows have all of it; "" or why not.
    std::string caught_up();
    // "0 faults", or what the checker says. What is shown where the log has lost something, and
    // what need not be, the rules say.
    std::string checked(checker::Proof proof = checker::Proof::rows, checker::Rules rules = {});
    // Each answer was one that is designed, caught_up(), then checked().
    std::string goes_on(const checker::Rules& rules = {});
    // "202 local, " and that, or what else was answered in the outage.
    std::string kept_and_goes_on();
    // "202 local" when all that was sent in the outage was kept, or what else was answered.
    std::string kept() const;

    // The checker asks for each body again.
    void forget_bodies() { view_ = {}; }
    // The log has begun anew.
    void forget_positions() { load_->forget_positions(); }
    std::vector<checker::Told> told() const { return load_->told(); }

    // Times of each answer of the load, as checked_load.hpp names them.
    std::size_t answered(const std::string& how) const;
    // "in time, ", or how long an answer took.
    std::string in_time() const;
    std::string checks();  // what the operator is told
    bool reads();

    void wait_in_sync();  // all replicas of its topics
    // Of "chat/0" and so on, where the topic partitions end that the load writes to.
    std::map<std::string, std::int64_t> ends();
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

    using Places = std::set<std::string>;  // "chat/0"
    Places everything() const;
    Places led_by(int broker);
    void outage(Places away, const std::function<void()>& happens);
    int partition_of(std::size_t tenant) const;
    std::string place_of(const checker::SourceAnswers& source) const;

    LocalCluster& cluster_;
    const std::string prefix_;
    ClusterAdmin admin_;
    std::optional<checker::CheckedLoad> load_;
    checker::CheckedView view_;
    Places away_;
    Unanswered unanswered_ = Unanswered::never;
    bool log_may_repeat_ = true;
};

}  // namespace tests::prove
