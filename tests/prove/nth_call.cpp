#include "tests/prove/nth_call.hpp"

#include "tests/prove/nth_call_judge.hpp"
#include "tests/prove/nth_kinds.hpp"
#include "tests/prove/nth_life.hpp"
#include "tests/prove/nth_works.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <thread>

namespace tests::prove {
namespace {

constexpr std::string_view serving = "serve";  // a life without a work
constexpr std::size_t counted_lives = 3;       // of each work
constexpr std::uint64_t more_max = 16;         // tried than were counted
constexpr int worlds_at_a_time = 3;
constexpr std::uint64_t seconds_of_a_kind = 20;  // of lives, to count their calls
constexpr std::ptrdiff_t each_of_the_first = 4;

// --- which n

std::uint64_t bits_reversed(std::uint64_t number) {
    std::uint64_t reversed = 0;
    for (int bit = 0; bit < 64; ++bit) reversed |= (number >> bit & 1) << (63 - bit);
    return reversed;
}

using Order = std::vector<std::uint64_t>;

// `first` to `last`: each of the first few, then in ever narrower steps, begun elsewhere by each
// seed.
Order order_of(std::uint64_t first, std::uint64_t last, std::uint64_t seed) {
    Order order;
    for (std::uint64_t n = first; n <= last; ++n) order.push_back(n);
    const auto rest = order.begin() + std::min(std::ssize(order), each_of_the_first);
    std::sort(rest, order.end(), [seed](std::uint64_t one, std::uint64_t other) {
        return bits_reversed(one ^ seed) < bits_reversed(other ^ seed);
    });
    return order;
}

// One of each in turns, while there are.
Order in_turns(const Order& one, const Order& other) {
    Order both;
    for (std::size_t i = 0; i < std::max(one.size(), other.size()); ++i) {
        if (i < one.size()) both.push_back(one[i]);
        if (i < other.size()) both.push_back(other[i]);
    }
    return both;
}

// What lives with one work, or none, call without a failure.
struct PlainLives {
    std::optional<KindOfWork> work{};
    std::vector<Counts> counts{}, starts{};

    const KindOfWork* work_or_none() const { return work ? &*work : nullptr; }
    std::string name() const { return work ? work->name : std::string(serving); }
};

std::vector<PlainLives> all_lives(const std::string& log) {
    std::vector<PlainLives> all{{}};
    for (const KindOfWork& work : kinds_of_work())
        if (log == "embedded" || work.is_for_kafka) all.push_back({.work = work});
    return all;
}

// All, or as many as there is time to count for, begun with another for another seed.
std::vector<PlainLives> wanted_lives(const Section& section, const std::string& log) {
    const std::string only = section.flag("--life", "");
    std::vector<PlainLives> lives = all_lives(log);
    std::rotate(lives.begin(), lives.begin() + static_cast<long>(section.seed() % lives.size()),
                lives.end());
    std::erase_if(lives,
                  [&](const PlainLives& one) { return !only.empty() && one.name() != only; });
    const std::size_t wanted = std::max<std::size_t>(1, section.seconds() / seconds_of_a_kind);
    for (; lives.size() > wanted; lives.pop_back())
        section.untried("failing calls of " + lives.back().name(), "no time for such lives");
    return lives;
}

void live_plainly(std::vector<PlainLives>& all, const std::string& log, std::mutex& mutex) {
    constexpr std::uint64_t none = ~std::uint64_t{0} >> 1;
    FailingLives lives(log);
    for (PlainLives& one : all) {
        const auto [seen, counts, starts] = lives.live({"none", "", 0}, none, one.work_or_none());
        if (!seen.empty())
            throw std::runtime_error(fmt::format("{} without a failure: {}", one.name(), seen));
        const std::lock_guard lock(mutex);
        one.counts.push_back(counts);
        one.starts.push_back(starts);
    }
}

// A few of each, since no life is quite as long as another.
void count_plainly(std::vector<PlainLives>& all, const std::string& log) {
    std::mutex mutex;
    std::vector<std::future<void>> worlds;
    for (std::size_t i = 0; i < counted_lives; ++i)
        worlds.push_back(std::async(std::launch::async, [&] { live_plainly(all, log, mutex); }));
    for (auto& world : worlds) world.wait();
    for (auto& world : worlds) world.get();
}

// What fails at the start and what fails later in turns: for some kinds the start has nearly all.
Walk walk_of(const FailingCall& failing, const PlainLives& plain, std::uint64_t seed) {
    const std::size_t place = place_of(failing.call);
    const std::uint64_t calls = middle_of(plain.counts)[place];
    const std::uint64_t at_start = middle_of(plain.starts)[place];
    Walk walk{
        failing, plain.work ? plain.work->name : "", calls, least_of(plain.counts)[place], {}};
    if (calls > 0)
        walk.order =
            in_turns(order_of(1, at_start, seed),
                     order_of(at_start + 1, calls + 1 + std::min(calls / 16, more_max), seed));
    return walk;
}

std::vector<Walk> walks_of(const Section& section, const std::string& log,
                           const std::vector<PlainLives>& all) {
    const std::string only = section.flag("--call", ""), nth = section.flag("--nth", "");
    std::mt19937_64 random(section.seed());
    std::vector<Walk> walks;
    for (const FailingCall& failing : failing_calls(log != "embedded")) {
        if (!only.empty() && only != failing.name()) continue;
        for (const PlainLives& plain : all) {
            walks.push_back(walk_of(failing, plain, random()));
            if (!nth.empty()) walks.back().order = {std::stoull(nth)};
        }
    }
    // Begins with another kind for another seed, so that short runs differ.
    if (!walks.empty())
        std::rotate(walks.begin(), walks.begin() + static_cast<long>(section.seed() % walks.size()),
                    walks.end());
    return walks;
}

// What is tried next by whoever is free; several worlds wait for disks and threads at a time.
class Walker {
public:
    Walker(Section& section, std::vector<Walk> walks, const std::string& log)
        : section_(section), walks_(std::move(walks)), log_(log) {}

    void walk() {
        std::vector<std::thread> threads;
        for (int i = 0; i < worlds_at_a_time; ++i)
            threads.emplace_back([this] { try_until_over(); });
        for (auto& thread : threads) thread.join();
    }
    const std::vector<Walk>& walks() const { return walks_; }

private:
    void try_until_over() {
        FailingLives lives(log_);
        while (const auto next = take_next()) try_one(lives, *next->first, next->second);
    }
    // The kinds in turns; nothing once all are over or, behind the first, time is.
    std::optional<std::pair<Walk*, std::uint64_t>> take_next() {
        const std::lock_guard lock(mutex_);
        for (std::size_t i = 0; i < walks_.size() && (taken_ == 0 || section_.time_left()); ++i) {
            Walk& walk = walks_[turn_++ % walks_.size()];
            if (walk.is_over()) continue;
            ++taken_;
            return std::pair{&walk, walk.order[walk.tried++]};
        }
        return std::nullopt;
    }
    void try_one(FailingLives& lives, Walk& walk, std::uint64_t nth) {
        const FailingLives::Outcome outcome = live_or_say_why(lives, walk, nth);
        const std::lock_guard lock(mutex_);
        walk.sure += nth <= walk.least;
        walk.came_to_pass += outcome.counts[place_of(walk.failing.call)] >= nth;
        section_.attempt(fmt::format("{}-{}-fails", nth, walk.name()),
                         [&] { return outcome.seen; });
    }
    FailingLives::Outcome live_or_say_why(FailingLives& lives, const Walk& walk,
                                          std::uint64_t nth) const {
        const auto work = std::find_if(works_.begin(), works_.end(), [&](const KindOfWork& one) {
            return one.name == walk.work;
        });
        try {
            return lives.live(walk.failing, nth, work == works_.end() ? nullptr : &*work);
        } catch (const std::exception& failure) {
            return {.seen = failure.what()};
        }
    }

    const std::vector<KindOfWork> works_ = kinds_of_work();
    Section& section_;
    std::vector<Walk> walks_;  // guarded by mutex_, as what stands below
    const std::string log_;
    std::mutex mutex_;
    std::size_t turn_ = 0, taken_ = 0;
};

// Of each kind of call, in whatever life.
std::vector<Walk> of_all_lives(const std::vector<Walk>& walks) {
    std::map<std::string, Walk> kinds;
    for (const Walk& walk : walks) {
        Walk& kind =
            kinds.try_emplace(walk.failing.name(), Walk{walk.failing, "", 0, 0, {}}).first->second;
        kind.tried += walk.tried;
        kind.came_to_pass += walk.came_to_pass;
        kind.sure += walk.sure;
    }
    std::vector<Walk> all;
    for (const auto& [name, kind] : kinds) all.push_back(kind);
    return all;
}

void tell_how_far(Section& section, const std::vector<Walk>& walks) {
    std::map<std::string, std::vector<Walk>> of_lives;
    for (const Walk& walk : walks) {
        of_lives[walk.work].push_back(walk);
        if (walk.calls > 0)  // else there are some in other lives
            fmt::print("nth_call={} calls={} tried={} came_to_pass={} all={}\n", walk.name(),
                       walk.calls, walk.tried, walk.came_to_pass, walk.is_over());
    }
    for (const Walk& kind : of_all_lives(walks))
        section.must(kind.name() + "-comes-to-pass", [&] { return walk_problem(kind); });
    for (const auto& [work, of_life] : of_lives)
        if (const std::string untried = untried_calls(of_life); !untried.empty())
            section.untried("failing calls of " + (work.empty() ? "a life" : work), untried);
}

}  // namespace

void fail_every_call(Section& section, const std::string& log) {
    std::vector<Walk> walks;
    section.must("calls-are-counted", [&] {
        std::vector<PlainLives> lives = wanted_lives(section, log);
        count_plainly(lives, log);
        walks = walks_of(section, log, lives);
        const bool serves = std::any_of(lives.begin(), lives.end(),
                                        [](const PlainLives& one) { return !one.work; });
        return serves ? counting_problem(walks, lives.size() == all_lives(log).size()) : "";
    });
    Walker walker(section, std::move(walks), log);
    walker.walk();
    section.must("calls-fail", [&] { return trying_problem(walker.walks()); });
    tell_how_far(section, walker.walks());
}

}  // namespace tests::prove
