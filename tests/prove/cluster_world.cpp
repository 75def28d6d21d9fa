#include "tests/prove/cluster_world.hpp"

#include "bus/position.hpp"
#include "tests/support/eventually.hpp"

namespace tests::prove {

using namespace std::chrono_literals;
using namespace checker;

namespace {

constexpr auto load_before = 1'500ms, load_after = 1'500ms;
constexpr auto catch_up_patience = 90s;
constexpr auto in_sync_patience = 60s;
constexpr auto stranger_pause = 100ms;
// Of an event while Kafka hangs it is 5 s (ARCHITECTURE.md, "On Kafka"); the machine is busy.
constexpr auto answer_max = 6s;

template <class Visit>  // visit(topic, partition)
void each_loaded_place(const Visit& visit) {
    for (const std::string topic : loaded_topics)
        for (int partition = 0; partition < partitions; ++partition) visit(topic, partition);
}

std::string name_of(const std::string& topic, int partition) {
    return fmt::format("{}/{}", topic, partition);
}

bool has_no_lag(const Addresses& addresses) {
    ProductClient client(addresses);
    const Document topics(client.api("GET", "/v1/operator/topics",
                                     {{"authorization", "Bearer " + addresses.admin_key}}));
    std::int64_t lag = 0;
    for (const auto& topic : topics.data()) lag += topic["lag"].integer().value_or(0);
    return topics.size() > 0 && lag == 0;
}

}  // namespace

ClusterWorld::ClusterWorld(LocalCluster& cluster)
    : cluster_(cluster), prefix_(LocalCluster::fresh_prefix()), admin_(cluster.inside()) {}

void ClusterWorld::start() {
    launch();
    if (load_) return;
    wait_in_sync();
    ProductClient client(addresses());
    load_.emplace(client, LoadOptions{.tenants = 4, .pause = 20'000us});
}

void ClusterWorld::under_load(const std::function<void()>& happens) {
    load_->start(addresses());
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

void ClusterWorld::beside_strangers(const std::function<void()>& happens) {
    std::atomic<bool> over{false};
    std::thread stranger([&, at = addresses()] {
        for (ProductClient client(at); !over; std::this_thread::sleep_for(stranger_pause))
            (void)client.try_ingress("POST", "/webhooks/in/of-nobody", {}, "{}");
    });
    happens();
    over = true;
    stranger.join();
}

void ClusterWorld::load_for(std::chrono::milliseconds time) {
    load_->start(addresses());
    std::this_thread::sleep_for(time);
    load_->stop();
}

std::string ClusterWorld::checks() {
    ProductClient client(addresses());
    return client
        .api("GET", "/v1/operator/checks", {{"authorization", "Bearer " + addresses().admin_key}})
        .body;
}

std::string ClusterWorld::caught_up() {
    const auto has_caught_up = [&] { return has_forwarded() && has_no_lag(addresses()); };
    return eventually(has_caught_up, catch_up_patience) ? "" : "does not catch up: " + checks();
}

std::string ClusterWorld::checked(Proof proof, Rules rules) {
    rules.log_may_repeat = log_may_repeat_;
    ProductClient client(addresses());
    const Verdict verdict = check(client, *load_, view_, proof, rules);
    if (verdict.faults() == 0) return "0 faults";
    return to_string(verdict) + " " + verdict.examples.front();
}

std::string ClusterWorld::goes_on(const Rules& rules) {
    std::string undesigned = answers_problem(load_->answers(), unanswered_);
    if (!undesigned.empty()) return undesigned;
    const std::string behind = caught_up();
    return behind.empty() ? checked(Proof::rows, rules) : behind;
}

// A kill comes behind the outage, so within it everything is answered.
std::string ClusterWorld::kept() const {
    const auto is_away = [&](const SourceAnswers& one) { return away_.contains(place_of(one)); };
    const std::string problem =
        outage_problem(load_->answers_of_outage(), is_away, Unanswered::never);
    return problem.empty() ? kept_answer : problem;
}

std::string ClusterWorld::kept_and_goes_on() {
    return kept() + ", " + goes_on();
}

ClusterWorld::Places ClusterWorld::everything() const {
    Places all;
    each_loaded_place(
        [&](const auto& topic, int partition) { all.insert(name_of(topic, partition)); });
    return all;
}

ClusterWorld::Places ClusterWorld::led_by(int broker) {
    Places led;
    each_loaded_place([&](const auto& name, int partition) {
        if (admin_.leader_of(topic(name), partition) == broker)
            led.insert(name_of(name, partition));
    });
    return led;
}

void ClusterWorld::outage(Places away, const std::function<void()>& happens) {
    away_ = std::move(away);
    load_->begin_outage();
    happens();
    load_->end_outage();
}

// The partition is the tenant's, the topic that of its channel.
int ClusterWorld::partition_of(std::size_t tenant) const {
    const auto position = bus::parse_position(load_->position(tenant));
    if (!position) throw std::runtime_error(fmt::format("no position of tenant {}", tenant));
    return static_cast<int>(position->partition);
}

std::string ClusterWorld::place_of(const SourceAnswers& source) const {
    return name_of(channel_of(source.kind), partition_of(source.tenant));
}

int ClusterWorld::leader_of_a_source() {
    return admin_.leader_of(topic("chat"), partition_of(0));
}

int ClusterWorld::leader_of_a_source_seen_by_others(int broker) {
    ClusterAdmin asking(cluster_.client_address(broker % LocalCluster::size + 1));
    return asking.leader_of(topic("chat"), partition_of(0));
}

std::map<std::string, std::int64_t> ClusterWorld::ends() {
    ClusterAdmin asking(cluster_.inside());  // one that has not known an earlier topic
    std::map<std::string, std::int64_t> ends;
    each_loaded_place([&](const auto& name, int partition) {
        ends[name_of(name, partition)] = asking.end_of(topic(name), partition);
    });
    return ends;
}

std::size_t ClusterWorld::answered(const std::string& how) const {
    const auto answers = load_->answers();
    const auto found = answers.find(how);
    return found == answers.end() ? 0 : found->second;
}

std::string ClusterWorld::in_time() const {
    const auto longest = load_->longest_answer();
    return longest <= answer_max ? "in time, "
                                 : fmt::format("an answer took {} ms, ", longest.count());
}

bool ClusterWorld::reads() {
    ProductClient client(addresses());
    return client.read(load_->tenants()[0], "/v1/conversations").status == 200;
}

void ClusterWorld::wait_in_sync() {
    admin_.wait_in_sync(prefix_, LocalCluster::size, in_sync_patience);
}

std::string ClusterWorld::topic(const std::string& short_name) const {
    return prefix_ + "tributary." + short_name;
}

}  // namespace tests::prove
