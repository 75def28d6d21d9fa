#include "tests/prove/kafka_cluster_world.hpp"

#include <fmt/format.h>

namespace tests::prove {

using namespace std::chrono_literals;
using namespace checker;

namespace {

constexpr auto load_before = 1'500ms, load_after = 1'500ms;
constexpr auto catch_up_patience = 90s;
constexpr auto in_sync_patience = 60s;

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

bool has_no_lag(const Addresses& addresses) {
    ProductClient client(addresses);
    const Document topics(client.api("GET", "/v1/operator/topics",
                                     {{"authorization", "Bearer " + addresses.admin_key}}));
    std::int64_t lag = 0;
    for (const auto& topic : topics.data()) lag += topic["lag"].integer().value_or(0);
    return topics.size() > 0 && lag == 0;
}

KafkaClusterWorld::KafkaClusterWorld(LocalCluster& cluster, std::vector<std::string> flags,
                                     std::string brokers)
    : cluster_(cluster),
      prefix_(LocalCluster::fresh_prefix()),
      admin_(cluster.inside()),
      child_(TRIBUTARY_PROGRAM, "kafka:" + (brokers.empty() ? cluster.bootstrap() : brokers),
             flags_with(prefix_, std::move(flags))) {}

void KafkaClusterWorld::start() {
    try {
        child_.start();
    } catch (const std::exception&) {
        throw std::runtime_error("it does not start: " + last_line(child_.said()));
    }
    if (load_) return;
    admin_.wait_in_sync(prefix_, LocalCluster::size, in_sync_patience);
    ProductClient client(child_.addresses());
    load_.emplace(client, LoadOptions{.tenants = 4, .pause = 20'000us});
}

void KafkaClusterWorld::under_load(const std::function<void()>& happens) {
    load_->start(child_.addresses());
    std::this_thread::sleep_for(load_before);
    try {
        happens();
    } catch (...) {
        load_->stop();
        throw;
    }
    std::this_thread::sleep_for(load_after);
    load_->stop();
}

void KafkaClusterWorld::load_for(std::chrono::milliseconds time) {
    load_->start(child_.addresses());
    std::this_thread::sleep_for(time);
    load_->stop();
}

std::string KafkaClusterWorld::checks() {
    ProductClient client(child_.addresses());
    return client
        .api("GET", "/v1/operator/checks",
             {{"authorization", "Bearer " + child_.addresses().admin_key}})
        .body;
}

std::string KafkaClusterWorld::caught_up() {
    const auto deadline = std::chrono::steady_clock::now() + catch_up_patience;
    std::string said;
    while (std::chrono::steady_clock::now() < deadline) {
        said = checks();
        const bool is_forwarded = said.find("kafka accepts events") != said.npos;
        if (is_forwarded && has_no_lag(child_.addresses())) return {};
        std::this_thread::sleep_for(100ms);
    }
    return "does not catch up: " + said;
}

std::string KafkaClusterWorld::checked(Proof proof) {
    ProductClient client(child_.addresses());
    const Verdict verdict = check(client, *load_, view_, proof, {.log_may_repeat = true});
    if (verdict.faults() == 0) return "0 faults";
    return to_string(verdict) + " " + verdict.examples.front();
}

std::string KafkaClusterWorld::goes_on() {
    if (answered("200 one_broker") > 0) return "two copies were not promised";
    const std::string behind = caught_up();
    return behind.empty() ? checked() : behind;
}

std::string KafkaClusterWorld::kept_and_goes_on() {
    const bool kept = answered("202 local") > 0;
    return (kept ? "202 local, " : "no event was kept, ") + goes_on();
}

std::size_t KafkaClusterWorld::answered(const std::string& how) const {
    const auto answers = load_->answers();
    const auto found = answers.find(how);
    return found == answers.end() ? 0 : found->second;
}

bool KafkaClusterWorld::reads() {
    ProductClient client(child_.addresses());
    return client.read(load_->tenants()[0], "/v1/conversations").status == 200;
}

std::string KafkaClusterWorld::topic(const std::string& short_name) const {
    return prefix_ + "tributary." + short_name;
}

}  // namespace tests::prove
