#include "tests/prove/fault_world.hpp"

#include "tests/support/local_broker.hpp"
#include "tests/support/sample_webhooks.hpp"

#include <fmt/format.h>

#include <cstdlib>

namespace tests::prove {

using namespace std::chrono_literals;
using namespace checker;

namespace {

constexpr auto rebuild_patience = 60s, forwarding_patience = 60s;

void set_shim(const Shim& shim, const std::string& under) {
    if (shim.empty()) return;
    ::setenv("LD_PRELOAD", PROVE_SHIM, 1);
    ::setenv("PROVE_UNDER", under.c_str(), 1);
    for (const auto& [name, value] : shim) ::setenv(("PROVE_" + name).c_str(), value.c_str(), 1);
}
void unset_shim(const Shim& shim) {
    ::unsetenv("LD_PRELOAD");
    ::unsetenv("PROVE_UNDER");
    for (const auto& [name, value] : shim) ::unsetenv(("PROVE_" + name).c_str());
}

std::string last_line(const std::string& text) {
    const auto end = text.find_last_not_of('\n');
    if (end == std::string::npos) return {};
    const auto from = text.rfind('\n', end);
    return text.substr(from == std::string::npos ? 0 : from + 1,
                       end - (from == std::string::npos ? 0 : from + 1) + 1);
}

}  // namespace

FaultWorld::FaultWorld(std::filesystem::path data, const std::string& log)
    : on_kafka_(log != "embedded"),
      child_(TRIBUTARY_PROGRAM, log,
             on_kafka_ ? std::vector<std::string>{"--kafka-prefix", LocalBroker::fresh_prefix()}
                       : std::vector<std::string>{},
             data.empty() ? directory_.path() / "data" : std::move(data)) {}

std::string FaultWorld::start(const Shim& shim) {
    set_shim(shim, data().string());
    try {
        child_.start();
    } catch (const std::exception&) {
        unset_shim(shim);
        child_.kill();  // where it hangs
        return "refused: " + last_line(child_.said());
    }
    unset_shim(shim);
    if (load_) return {};
    ProductClient first(child_.addresses());
    load_.emplace(first, LoadOptions{.tenants = 3, .pause = 1'500us});
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

// The proof may be the first to read a damaged place of a store: then it says so.
static bool names_store_damage(const Verdict& verdict) {
    return verdict.faults() == verdict.unproven &&
           verdict.examples.front().find("corrupt: scan store") != std::string::npos;
}

void FaultWorld::wait_until_forwarded() {
    const auto deadline = std::chrono::steady_clock::now() + forwarding_patience;
    ProductClient asking(child_.addresses());
    const Headers admin{{"authorization", "Bearer " + child_.addresses().admin_key}};
    while (asking.api("GET", "/v1/operator/checks", admin).body.find("kafka accepts events") ==
               std::string::npos &&
           std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(100ms);
}

std::string FaultWorld::checked(Proof proof) {
    if (on_kafka_) wait_until_forwarded();
    const auto deadline = std::chrono::steady_clock::now() + rebuild_patience;
    for (;;) {
        try {
            ProductClient asking(child_.addresses());
            const Verdict verdict =
                check(asking, *load_, view_, proof, {.log_may_repeat = on_kafka_});
            if (verdict.faults() == 0) return "0 faults";
            if (names_store_damage(verdict) && std::chrono::steady_clock::now() < deadline) {
                std::this_thread::sleep_for(200ms);  // once named it is made anew
                continue;
            }
            return to_string(verdict) + " " + verdict.examples.front();
        } catch (const std::exception& failure) {  // a read was not answered 200
            if (std::chrono::steady_clock::now() > deadline) return failure.what();
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
