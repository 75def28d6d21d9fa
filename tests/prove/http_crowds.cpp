#include "tests/prove/http_crowds.hpp"

#include "tests/support/eventually.hpp"
#include "tests/support/wire.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

namespace tests::prove {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

// As the product has them.
constexpr auto head_deadline = 10s;
struct PortLimits {
    std::string name;
    std::size_t connections_max;
    std::chrono::seconds idle_max;
    std::size_t crowd() const { return connections_max / 4 * 3; }
};
const PortLimits ingress_limits{"ingress", 16'384, 75s}, api_limits{"api", 512, 15s};

struct CrowdSize {
    std::size_t drippers = 0, idlers = 0;
};

class Crowd {
public:
    Crowd(const std::string& address, const CrowdSize& size) : size_(size) {
        for (std::size_t i = 0; i < size.drippers + size.idlers; ++i) {
            wires_.emplace_back(port_of(address));
            if (!wires_.back().connected())
                throw std::runtime_error(fmt::format("connection {} was refused", i));
            if (i < size.drippers) (void)wires_.back().send("P");
        }
        if (size.drippers > 0)
            drips_ = std::jthread([this](const std::stop_token& stop) {
                while (!stop.stop_requested()) drip();
            });
    }

    std::size_t open() const { return open_in(0, wires_.size()); }
    // What ended before the product may end it, which is after `idle_max` or the deadline of heads.
    std::string ended_too_soon(std::chrono::seconds idle_max) const {
        const std::size_t drippers = size_.drippers - open_in(0, size_.drippers);
        const std::size_t idlers = size_.idlers - open_in(size_.drippers, wires_.size());
        const auto deadline = size_.drippers > 0 ? head_deadline : idle_max;
        if (age() > deadline) return "the round took longer than they may stay";
        if (drippers + idlers == 0) return {};
        return fmt::format("{} drippers and {} idlers were ended", drippers, idlers);
    }
    Clock::duration age() const { return Clock::now() - began_; }

private:
    std::size_t open_in(std::size_t from, std::size_t to) const {
        const auto first = wires_.begin();
        return static_cast<std::size_t>(std::count_if(
            first + static_cast<std::ptrdiff_t>(from), first + static_cast<std::ptrdiff_t>(to),
            [](const Wire& wire) { return wire.is_quiet(); }));
    }
    // A byte each in half a second, evenly.
    void drip() {
        for (std::size_t i = 0; i < size_.drippers; ++i) {
            (void)wires_[i].send("P");
            if (i % 10 == 0) std::this_thread::sleep_for(500ms * 10 / size_.drippers);
        }
    }

    const CrowdSize size_;
    const Clock::time_point began_ = Clock::now();
    std::vector<Wire> wires_;
    std::jthread drips_;  // ends before the connections do
};

class Crowds {
public:
    Crowds(Section& section, std::string address, PortLimits limits, OtherCaller& other)
        : section_(section),
          address_(std::move(address)),
          limits_(std::move(limits)),
          other_(other) {}

    void stay(const CrowdSize& size) {
        try_beside(section_, other_, described(size),
                   [&](const auto& meanwhile) {
                       const Crowd crowd(address_, size);
                       meanwhile();
                       return crowd.ended_too_soon(limits_.idle_max);
                   },
                   {.also = "the crowd stays"});
    }

    // More silent ones than three quarters of what the port takes.
    void are_let_go(const CrowdSize& size) {
        try_beside(
            section_, other_, described(size),
            [&](const auto& meanwhile) -> std::string {
                const Crowd crowd(address_, size);
                const bool served = other_.is_served_afresh();
                const bool let_go =
                    eventually([&] { return crowd.open() <= limits_.crowd(); }, limits_.idle_max);
                if (crowd.age() >= limits_.idle_max) return "they did not go before idle ones do";
                if (!served || !let_go) return "somebody who came then was not served";
                meanwhile();
                return {};
            },
            {.also = "once it is let go until three quarters of the port's connections are left"});
    }

    // As many as the API has threads, and more: it does not take a head that drips for silence.
    void hold_all_threads(const CrowdSize& size) {
        std::string expected = "served when the 10 s of a head are over, at the latest";
        section_.fault("others beside " + described(size), expected, [&]() -> std::string {
            const Crowd crowd(address_, size);
            if (!other_.is_served_afresh()) return "not served";
            if (crowd.age() < head_deadline * 2) return expected;
            return "served when the next drippers' heads were over too";
        });
    }

private:
    std::string described(const CrowdSize& size) const {
        std::string text = limits_.name + ": ";
        if (size.drippers > 0) text += fmt::format("{} drippers", size.drippers);
        if (size.drippers > 0 && size.idlers > 0) text += " and ";
        if (size.idlers > 0) text += fmt::format("{} idle connections", size.idlers);
        return text;
    }

    Section& section_;
    const std::string address_;
    const PortLimits limits_;
    OtherCaller& other_;
};

}  // namespace

void try_crowds(Section& section, const Addresses& addresses, const OtherCallers& others) {
    Crowds ingress(section, addresses.ingress, ingress_limits, others.ingress);
    ingress.stay({.idlers = 10'000});
    ingress.stay({.drippers = 1'000, .idlers = 2'000});
    ingress.are_let_go({.idlers = 14'000});
    Crowds api(section, addresses.api, api_limits, others.api);
    api.stay({.idlers = 300});
    api.stay({.drippers = 150, .idlers = 150});
    api.are_let_go({.idlers = 700});
    api.hold_all_threads({.drippers = 700});
}

}  // namespace tests::prove
