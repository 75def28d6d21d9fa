#include "tests/prove/fault_world.hpp"

#include "tests/support/eventually.hpp"
#include "tests/support/local_broker.hpp"
#include "tests/support/sample_webhooks.hpp"

#include <fmt/format.h>

namespace tests::prove {

using namespace std::chrono_literals;
using namespace checker;

namespace {

constexpr auto rebuild_patience = 60s, forwarding_patience = 60s, taking_patience = 30s;
constexpr auto look_again = 100ms;

std::vector<std::string> environment_of(const Shim& shim, const std::string& under) {
    if (shim.empty()) return {};
    std::vector<std::string> variables{"LD_PRELOAD=" PROVE_SHIM};
    for (const auto& [name, value] : shim)
        variables.push_back(fmt::format("PROVE_{}={}", name, value));
    if (shim.count("UNDER") == 0) variables.push_back("PROVE_UNDER=" + under);
    return variables;
}

std::string last_line(const std::string& text) {
    const auto end = text.find_last_not_of('\n');
    if (end == std::string::npos) return {};
    const auto from = text.rfind('\n', end);
    return text.substr(from == std::string::npos ? 0 : from + 1,
                       end - (from == std::string::npos ? 0 : from + 1) + 1);
}

std::vector<std::string> flags_of(const WorldOptions& options) {
    std::vector<std::string> flags{"--partitions", std::to_string(options.partitions)};
    if (options.log != "embedded")
        flags.insert(flags.end(), {"--kafka-prefix", LocalBroker::fresh_prefix()});
    return flags;
}

}  // namespace

FaultWorld::FaultWorld(const WorldOptions& options)
    : rules_{.log_may_repeat = options.log != "embedded"},
      load_options_(options.load),
      child_(TRIBUTARY_PROGRAM, options.log, flags_of(options), options.data) {}

std::string FaultWorld::start(const Shim& shim) {
    rules_.clock_is_moved |= shim.contains("CLOCK_S");
    child_.set_environment(environment_of(shim, data().string()));
    try {
        child_.start();
    } catch (const std::exception&) {
        const std::string how = child_.has_ended() ? "refused: " : "hangs: ";
        child_.kill();
        return how + child_.how_it_ended() + ", " + last_line(child_.said_since_launch());
    }
    if (load_) return {};
    ProductClient first(child_.addresses());
    load_.emplace(first, load_options_);
    return {};
}

void FaultWorld::must_start(const Shim& shim) {
    if (const std::string refused = start(shim); !refused.empty())
        throw std::runtime_error(refused);
}

void FaultWorld::load_for(std::chrono::milliseconds time) {
    load_->start(child_.addresses());
    std::this_thread::sleep_for(time);
    load_->stop();
}

bool FaultWorld::tell(std::size_t rounds) {
    ProductClient telling(child_.addresses());
    for (; rounds > 0; --rounds) {
        const auto deadline = std::chrono::steady_clock::now() + taking_patience;
        while (!load_->tell_each(telling, look_again)) {
            const bool is_late = std::chrono::steady_clock::now() > deadline;
            if (is_late || child_.has_ended() || !load_->wrong_answers().empty()) return false;
        }
    }
    return true;
}

// The proof may be the first to read a damaged place of a store: then it says so.
static bool names_store_damage(const Verdict& verdict) {
    return verdict.faults() == verdict.unproven &&
           verdict.examples.front().find("corrupt: scan store") != std::string::npos;
}

void FaultWorld::wait_until_forwarded() {
    ProductClient asking(child_.addresses());
    const Headers admin{{"authorization", "Bearer " + child_.addresses().admin_key}};
    const auto is_forwarded = [&] {
        const Answer checks = asking.api("GET", "/v1/operator/checks", admin);
        return checks.body.find("kafka accepts events") != std::string::npos;
    };
    (void)eventually(is_forwarded, forwarding_patience);  // if not, the check says what is missing
}

std::string FaultWorld::checked(Proof proof) {
    const auto deadline = std::chrono::steady_clock::now() + rebuild_patience;
    for (;;) {
        try {
            if (rules_.log_may_repeat) wait_until_forwarded();
            ProductClient asking(child_.addresses());
            const Verdict verdict = check(asking, *load_, view_, proof, rules_);
            if (verdict.faults() == 0) return "0 faults";
            if (names_store_damage(verdict) && std::chrono::steady_clock::now() < deadline) {
                std::this_thread::sleep_for(200ms);  // once named it is made anew
                continue;
            }
            return to_string(verdict) + " " + verdict.examples.front();
        } catch (const std::exception& failure) {  // a read was not answered 200
            const bool is_late = std::chrono::steady_clock::now() > deadline;
            if (is_late || child_.has_ended()) return failure.what();
            std::this_thread::sleep_for(200ms);
        }
    }
}

std::string FaultWorld::taking(std::chrono::milliseconds patience) {
    ProductClient asking(child_.addresses());
    if (!load_->settle(asking, patience)) return "does not take events";
    const std::size_t before = load_->acknowledged();
    load_->start(child_.addresses());
    load_->wait_for_acknowledged(10, patience);
    load_->stop();
    return load_->acknowledged() > before ? "takes events" : "does not take events";
}

std::string FaultWorld::answer_to_one() {
    ProductClient asking(child_.addresses());
    // Not verified by any source's secret would be 401: so this is told by a source of the load.
    return load_->tell_one(asking);
}

bool FaultWorld::reads() {
    ProductClient asking(child_.addresses());
    return asking.read(load_->tenants()[0], "/v1/conversations").status == 200;
}

}  // namespace tests::prove
