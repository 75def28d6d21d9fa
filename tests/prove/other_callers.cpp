#include "tests/prove/other_callers.hpp"

#include <fmt/format.h>

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <thread>

namespace tests::prove {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr double p99_ratio_max = 2;
constexpr double noise_ms = 5;  // a turn that another program of the machine has before us
constexpr int rounds_max = 4;
constexpr auto measured_time = 2s;

double percentile(std::vector<double> all, std::size_t percent) {
    if (all.empty()) return 0;
    std::sort(all.begin(), all.end());
    return all[all.size() * percent / 100];
}
double p99(const std::vector<double>& all) {
    return percentile(all, 99);
}

void append(std::vector<double>& to, const std::vector<double>& from) {
    to.insert(to.end(), from.begin(), from.end());
}
void append(Waits& to, const Waits& from) {
    append(to.kept_ms, from.kept_ms);
    append(to.fresh_ms, from.fresh_ms);
    to.unserved += from.unserved;
}

std::string slowness(const std::string& connection, const std::vector<double>& alone,
                     const std::vector<double>& beside, double more_ms) {
    if (alone.empty() || beside.empty())
        return "nobody was served on a " + connection + " connection";
    if (p99(beside) <= p99_ratio_max * p99(alone) + noise_ms + more_ms) return {};
    return fmt::format("p99 {:.2f} ms on a {} connection, alone {:.2f} ms", p99(beside), connection,
                       p99(alone));
}

std::string described(const BesideDesign& design) {
    std::string text =
        fmt::format("all served, p99 within {} x of alone and {} ms", p99_ratio_max, noise_ms);
    if (design.handshakes_before > 0)
        text += fmt::format(" and {} handshakes that the edge's one thread makes first",
                            design.handshakes_before);
    return design.also.empty() ? text : text + "; " + design.also;
}

void give_way() {
    const sched_param none{};
    ::sched_setscheduler(0, SCHED_IDLE, &none);
}

// Three times as long as its turn took, so that all of them together leave the processors free
// most of the time.
void pause_after(Clock::duration turn) {
    constexpr Clock::duration pause_min = 5ms, pause_max = 100ms;
    std::this_thread::sleep_for(std::clamp(turn * 3, pause_min, pause_max));
}

struct Round {
    Waits alone, beside = {};
    std::string problem = {};
};

Round measured(OtherCaller& other, const Happening& happening, const BesideDesign& design) {
    Round round{.alone = other.ask_for(measured_time / 2)};
    round.problem = happening([&] { append(round.beside, other.ask_for(measured_time)); });
    append(round.alone, other.ask_for(measured_time / 2));
    if (round.problem.empty()) round.problem = slowness(round.alone, round.beside, design);
    return round;
}

}  // namespace

bool OtherCaller::is_served(ProductClient& client) {
    try {
        return ask_(client);
    } catch (const std::exception&) {
        return false;
    }
}

bool OtherCaller::is_served_afresh() {
    ProductClient fresh(addresses_);
    return is_served(fresh);
}

Waits OtherCaller::ask_for(std::chrono::milliseconds time) {
    Waits waits;
    const auto timed = [&](std::vector<double>& took_ms, const auto& is_served) {
        const auto began = Clock::now();
        const bool served = is_served();
        const std::chrono::duration<double, std::milli> took = Clock::now() - began;
        if (served) took_ms.push_back(took.count());
        waits.unserved += !served;
    };
    for (const auto until = Clock::now() + time; Clock::now() < until;) {
        timed(waits.kept_ms, [&] { return is_served(kept_); });
        timed(waits.fresh_ms, [&] { return is_served_afresh(); });
    }
    return waits;
}

std::string slowness(const Waits& alone, const Waits& beside, const BesideDesign& design) {
    if (beside.unserved > 0) return fmt::format("{} were not served", beside.unserved);
    const double handshake_ms = percentile(alone.fresh_ms, 50);  // and a request
    const double more_ms = static_cast<double>(design.handshakes_before) * handshake_ms;
    const std::string kept = slowness("kept", alone.kept_ms, beside.kept_ms, more_ms);
    return kept.empty() ? slowness("fresh", alone.fresh_ms, beside.fresh_ms, more_ms) : kept;
}

Happening repeated(std::vector<Load> loads, std::chrono::seconds patience) {
    return [loads = std::move(loads), patience](const auto& meanwhile) -> std::string {
        std::atomic<std::size_t> made{0};
        std::vector<std::jthread> threads;
        for (const Load& load : loads)
            threads.emplace_back([&](const std::stop_token& stop) {
                give_way();
                while (!stop.stop_requested()) {
                    const auto began = Clock::now();
                    made += load();
                    pause_after(Clock::now() - began);
                }
            });
        const auto until = Clock::now() + patience;
        do meanwhile();
        while (made < loads.size() && Clock::now() < until);
        const std::size_t in_time = made;
        fmt::print("loads={} made={}\n", loads.size(), in_time);
        for (std::jthread& thread : threads) thread.request_stop();
        threads.clear();
        if (in_time >= loads.size()) return {};
        return fmt::format("only {} of what was to go on went as designed", in_time);
    };
}

// Noise only makes it worse: one round within the bound shows that what happens does not.
void try_beside(Section& section, OtherCaller& other, const std::string& what,
                const Happening& happening, const BesideDesign& design) {
    const std::string expected = described(design);
    section.fault("others beside " + what, expected, [&] {
        std::string seen;
        for (int i = 0; i < rounds_max && seen != expected; ++i) {
            const Round round = measured(other, happening, design);
            fmt::print(
                "beside={} served={} p99_ms={:.2f} p99_ms_alone={:.2f} p99_ms_fresh={:.2f} "
                "p99_ms_fresh_alone={:.2f}\n",
                what, round.beside.kept_ms.size() + round.beside.fresh_ms.size(),
                p99(round.beside.kept_ms), p99(round.alone.kept_ms), p99(round.beside.fresh_ms),
                p99(round.alone.fresh_ms));
            seen = round.problem.empty() ? expected : round.problem;
        }
        return seen;
    });
}

}  // namespace tests::prove
