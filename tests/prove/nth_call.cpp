#include "tests/prove/nth_call.hpp"

#include "tests/prove/fault_world.hpp"
#include "tests/prove/nth_call_judge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <mutex>
#include <optional>
#include <random>
#include <thread>

namespace tests::prove {
namespace {

using tests::checker::Proof;

constexpr std::size_t rounds_before = 2, rounds_meanwhile = 3;
constexpr std::size_t lives_of_a_world = 40;  // then it has grown
constexpr std::size_t counted_lives = 3;
constexpr std::uint64_t more_max = 16;  // tried than were counted
constexpr int worlds_at_a_time = 3;
constexpr std::ptrdiff_t each_of_the_first = 4;

// As PROVE_COUNTS has them (failing_calls.c).
constexpr std::array<std::string_view, 17> counted{
    "open",    "read",   "write", "sync", "rename", "truncate", "remove", "mkdir", "socket",
    "connect", "accept", "recv",  "send", "poll",   "spawn",    "memory", "mmap"};
using Counts = std::array<std::uint64_t, counted.size()>;

std::size_t place_of(const std::string& call) {
    return static_cast<std::size_t>(std::find(counted.begin(), counted.end(), call) -
                                    counted.begin());
}

Counts counts_in(const std::filesystem::path& file) {
    Counts counts{};
    std::ifstream(file, std::ios::binary).read(reinterpret_cast<char*>(&counts), sizeof counts);
    return counts;
}

// Files and sockets of ours, and memory. RocksDB, Poco, Asio and librdkafka make some of these.
// With its log on its own disk the program connects nowhere.
std::vector<FailingCall> failing_calls(bool on_kafka) {
    std::vector<FailingCall> calls;
    for (const std::string call : {"sync", "rename", "truncate", "open", "write"}) {
        calls.push_back({call, "EIO", EIO});
        calls.push_back({call, "ENOSPC", ENOSPC});
    }
    calls.push_back({"read", "EIO", EIO});
    calls.push_back({"remove", "EIO", EIO});
    calls.push_back({"mkdir", "ENOSPC", ENOSPC});
    calls.push_back({"socket", "EMFILE", EMFILE});
    if (on_kafka) calls.push_back({"connect", "ECONNREFUSED", ECONNREFUSED});
    calls.push_back({"accept", "EMFILE", EMFILE});
    calls.push_back({"accept", "ECONNABORTED", ECONNABORTED});
    calls.push_back({"recv", "ECONNRESET", ECONNRESET});
    calls.push_back({"recv", "EINTR", EINTR});
    calls.push_back({"send", "EPIPE", EPIPE});
    calls.push_back({"send", "EINTR", EINTR});
    calls.push_back({"poll", "EINTR", EINTR});
    calls.push_back({"spawn", "EAGAIN", EAGAIN});
    calls.push_back({"memory", "", ENOMEM});
    calls.push_back({"mmap", "", ENOMEM});
    return calls;
}

std::string end_of(const FailingCall& failing, const ChildPlatform& child) {
    return end_problem(failing, child.how_it_ended(), child.said_since_launch());
}

// Lives of a program on one log, each under the shim between two plain ones.
class FailingLives {
public:
    explicit FailingLives(std::string log) : log_(std::move(log)) {}

    struct Outcome {
        std::string seen;       // "" = as designed
        Counts counts, starts;  // of the whole life, and until it served
    };
    Outcome live(const FailingCall& failing, std::uint64_t nth);

private:
    FaultWorld& with_data_from_before();

    const std::string log_;
    TempDirectory folder_;
    std::optional<FaultWorld> world_;
    std::size_t lives_ = 0;
    bool is_sound_ = false;  // the last life ended well, so that the next begins where it did
};

FaultWorld& FailingLives::with_data_from_before() {
    if (!is_sound_ || lives_ == lives_of_a_world) {
        world_.reset();
        world_.emplace(
            WorldOptions{.log = log_, .partitions = 2, .load = {.tenants = 1, .customers = 2}});
        world_->must_start();
        world_->stop();  // with all that a first life makes once
        world_->must_start();
        lives_ = 0;
    }
    ++lives_;
    is_sound_ = false;
    if (!world_->tell(rounds_before)) throw std::runtime_error("does not take events plainly");
    world_->kill();
    return *world_;
}

// Told of, read and stopped, with one failure on the way.
std::string while_serving(FaultWorld& world, const FailingCall& failing) {
    std::string seen;
    if (!world.tell(rounds_meanwhile)) seen = "does not take events again; ";
    if (world.child().has_ended()) return end_of(failing, world.child());
    if (const auto rows = world.checked(Proof::none); rows != "0 faults") seen += rows + "; ";
    if (world.child().has_ended()) return end_of(failing, world.child());
    if (world.stop() != 0) seen += end_of(failing, world.child());
    return seen;
}

std::string how_refused(const std::string& refused, const FailingCall& failing,
                        const ChildPlatform& child) {
    return refusal_problem(refused, failing, child.how_it_ended(), child.said_since_launch());
}

FailingLives::Outcome FailingLives::live(const FailingCall& failing, std::uint64_t nth) {
    FaultWorld& world = with_data_from_before();
    const auto counts = folder_.path() / "counts";
    std::filesystem::remove(counts);
    const std::string refused = world.start({{"CALLS", failing.call},
                                             {"ERRNO", std::to_string(failing.error)},
                                             {"AT", std::to_string(nth)},
                                             {"COUNTS", counts}});
    const Counts starts = counts_in(counts);
    std::string seen = refused.empty() ? while_serving(world, failing)
                                       : how_refused(refused, failing, world.child());
    world.kill();
    world.must_start();
    if (const auto later = world.checked(); later != "0 faults") seen += later;
    is_sound_ = seen.empty();
    return {seen, counts_in(counts), starts};
}

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

Counts middle_of(std::vector<Counts> lives) {
    Counts middle{};
    for (std::size_t place = 0; place < middle.size(); ++place) {
        std::sort(lives.begin(), lives.end(), [place](const Counts& one, const Counts& other) {
            return one[place] < other[place];
        });
        middle[place] = lives[lives.size() / 2][place];
    }
    return middle;
}

// The middle of a few, since no life is quite as long as another.
FailingLives::Outcome plain_life(FailingLives& lives) {
    constexpr std::uint64_t none = ~std::uint64_t{0} >> 1;
    std::vector<Counts> all_counts, all_starts;
    for (std::size_t life = 0; life < counted_lives; ++life) {
        const auto [seen, counts, starts] = lives.live({"none", "", 0}, none);
        if (!seen.empty()) throw std::runtime_error("without a failure: " + seen);
        all_counts.push_back(counts);
        all_starts.push_back(starts);
    }
    return {"", middle_of(all_counts), middle_of(all_starts)};
}

// What fails at the start and what fails later in turns: for some kinds the start has nearly all.
Walk walk_of(const FailingCall& failing, const FailingLives::Outcome& plain, std::uint64_t seed) {
    const std::size_t place = place_of(failing.call);
    const std::uint64_t calls = plain.counts[place], at_start = plain.starts[place];
    return {failing, calls,
            in_turns(order_of(1, at_start, seed),
                     order_of(at_start + 1, calls + 1 + std::min(calls / 16, more_max), seed))};
}

std::vector<Walk> walks_of(const Section& section, const std::string& log,
                           const FailingLives::Outcome& plain) {
    const std::string only = section.flag("--call", ""), nth = section.flag("--nth", "");
    std::mt19937_64 random(section.seed());
    std::vector<Walk> walks;
    for (const FailingCall& failing : failing_calls(log != "embedded")) {
        if (!only.empty() && only != failing.name()) continue;
        walks.push_back(walk_of(failing, plain, random()));
        if (!nth.empty()) walks.back().order = {std::stoull(nth)};
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
    // The kinds in turns; nothing once all are over or time is.
    std::optional<std::pair<Walk*, std::uint64_t>> take_next() {
        const std::lock_guard lock(mutex_);
        for (std::size_t i = 0; i < walks_.size() && section_.time_left(); ++i) {
            Walk& walk = walks_[turn_++ % walks_.size()];
            if (!walk.is_over()) return std::pair{&walk, walk.order[walk.tried++]};
        }
        return std::nullopt;
    }
    void try_one(FailingLives& lives, Walk& walk, std::uint64_t nth) {
        const FailingLives::Outcome outcome = live_or_say_why(lives, walk.failing, nth);
        const std::lock_guard lock(mutex_);
        walk.came_to_pass += outcome.counts[place_of(walk.failing.call)] >= nth;
        section_.attempt(fmt::format("{}-{}-fails", nth, walk.failing.name()),
                         [&] { return outcome.seen; });
    }
    static FailingLives::Outcome live_or_say_why(FailingLives& lives, const FailingCall& failing,
                                                 std::uint64_t nth) {
        try {
            return lives.live(failing, nth);
        } catch (const std::exception& failure) {
            return {failure.what(), {}, {}};
        }
    }

    Section& section_;
    std::vector<Walk> walks_;  // guarded by mutex_, as what stands below
    const std::string log_;
    std::mutex mutex_;
    std::size_t turn_ = 0;
};

}  // namespace

void fail_every_call(Section& section, const std::string& log) {
    std::vector<Walk> walks;
    section.must("calls-are-counted", [&] {
        FailingLives lives(log);
        walks = walks_of(section, log, plain_life(lives));
        return counting_problem(walks);
    });
    Walker walker(section, std::move(walks), log);
    walker.walk();
    section.must("calls-fail", [&] { return trying_problem(walker.walks()); });
    for (const Walk& walk : walker.walks()) {
        fmt::print("nth_call={} calls={} tried={} came_to_pass={} all={}\n", walk.failing.name(),
                   walk.calls, walk.tried, walk.came_to_pass, walk.is_over());
        section.must(walk.failing.name() + "-comes-to-pass", [&] { return walk_problem(walk); });
        if (!walk.is_over()) section.untried("failing " + walk.failing.name(), untried_calls(walk));
    }
}

}  // namespace tests::prove
