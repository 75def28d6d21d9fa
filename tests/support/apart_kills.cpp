#include "tests/support/apart_kills.hpp"

#include "tests/support/local_broker.hpp"

#include <fmt/format.h>

#include <array>
#include <thread>

namespace tests {
namespace {

constexpr int life_ms_min = 30, life_ms_max = 600;
constexpr std::chrono::milliseconds alone{400};  // the one that is left, under load

constexpr std::array<std::string_view, apart_kills> names = {
    "killed what receives", "killed what projects", "killed both", "killed both and the broker"};

}  // namespace

std::string_view name(ApartKill kill) {
    return names[static_cast<std::size_t>(kill)];
}

ApartKills::ApartKills(const std::string& program, std::uint64_t seed)
    : random_(seed),
      pair_(program, LocalBroker::instance().bootstrap(), LocalBroker::fresh_prefix()) {
    pair_.start();
    ProductClient client(pair_.addresses());
    load_.emplace(client, checker::LoadOptions{});
}

void ApartKills::kill_under_load(ApartKill kill) {
    load_->start(pair_.addresses());
    const int life = life_ms_min + static_cast<int>(random_() % (life_ms_max - life_ms_min));
    std::this_thread::sleep_for(std::chrono::milliseconds{life});
    const std::size_t before = load_->acknowledged();
    const bool broker = kill == ApartKill::both_and_broker;
    if (broker) LocalBroker::instance().kill();
    std::string ended;
    if (kill != ApartKill::project) ended += pair_.receiving().kill_serving();
    if (kill != ApartKill::receive) ended += pair_.projecting().kill_serving();
    if (kill == ApartKill::project) std::this_thread::sleep_for(alone);
    load_->stop();
    if (kill == ApartKill::project) alone_ += load_->acknowledged() - before;
    if (broker) LocalBroker::instance().start();
    pair_.start();
    if (!ended.empty()) throw std::runtime_error(ended);
}

std::string ApartKills::kill_and_check(ApartKill kill, bool rows) {
    kill_under_load(kill);
    ProductClient client(pair_.addresses());
    const auto verdict =
        checker::check(client, *load_, view_, rows ? checker::Proof::rows : checker::Proof::log,
                       {.log_may_repeat = true});
    if (verdict.faults() == 0) return {};
    std::string problem = fmt::format("{}: {}", name(kill), to_string(verdict));
    for (const std::string& example : verdict.examples) problem += "; " + example;
    return problem;
}

}  // namespace tests
