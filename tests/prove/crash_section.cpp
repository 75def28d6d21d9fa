// The program under load, killed at random moments and at named points, started again and checked:
// one attempt is one kill with its check.
#include "tests/prove/section.hpp"
#include "tests/support/checked_view.hpp"
#include "tests/support/child_platform.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/local_broker.hpp"

#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <optional>
#include <random>

using namespace tests;
using namespace tests::checker;

namespace {

// What is told to one data folder is read as a whole after each kill, so folders take turns.
constexpr int kills_per_folder = 10;
constexpr int life_ms_min = 30, life_ms_max = 600;
constexpr int change_ms_max = 200;  // into a start or a stop
constexpr auto point_patience = std::chrono::seconds{5};
// The program notices within 8 s that its broker is away; from then on events wait in its spool.
constexpr int away_ms_min = 500, away_ms_max = 12'000;
constexpr auto forwarding_patience = std::chrono::seconds{60};

// Where a loaded program dies by itself; the number is how often it comes there before.
constexpr std::array points = {
    "journal.group_written",
    "journal.group_synced",
    "projector.before_commit",
    "projector.committed",
};
constexpr std::string_view end_at_point = "signal 9", stopped = "exit 0";
constexpr std::array kafka_points = {"projector.before_commit", "projector.committed"};

class CrashWorld {
public:
    CrashWorld(const std::string& log, std::uint64_t seed, bool broker_dies)
        : kafka_(log != "embedded"),
          broker_dies_(broker_dies),
          random_(seed),
          child_(TRIBUTARY_PROGRAM, log,
                 kafka_ ? std::vector<std::string>{"--kafka-prefix", LocalBroker::fresh_prefix()}
                        : std::vector<std::string>{}) {
        child_.start();
        ProductClient client(child_.addresses());
        load_.emplace(client, LoadOptions{});
    }

    std::string kill_and_check(bool last) {
        const std::string how = broker_dies_ ? lose_broker() : die();
        ProductClient client(child_.addresses());
        const Verdict verdict = check(client, *load_, view_, last ? Proof::rows : Proof::log,
                                      {.log_may_repeat = kafka_});
        if (last) totals_ = verdict;
        if (verdict.faults() == 0) return {};
        std::string problem = how + ": " + to_string(verdict);
        for (const std::string& example : verdict.examples) problem += "; " + example;
        return problem;
    }
    std::size_t acknowledged() const { return load_->acknowledged(); }

private:
    std::string die() {
        switch (random_() % 8) {
            case 0:
                return die_in_start();
            case 1:
                return die_in_stop();
            case 2:
            case 3:
            case 4:
                return live_and_kill();
            default:
                return die_at_point();
        }
    }
    int wait_between(int least_ms, int most_ms) {
        const int wait = least_ms + static_cast<int>(random_() % (most_ms - least_ms));
        std::this_thread::sleep_for(std::chrono::milliseconds{wait});
        return wait;
    }
    std::string live_and_kill() {
        load_->start(child_.addresses());
        const int life = wait_between(life_ms_min, life_ms_max);
        const std::string ended = child_.kill_serving();
        load_->stop();
        child_.start();
        if (!ended.empty()) throw std::runtime_error(ended);
        return fmt::format("killed after {} ms", life);
    }
    // Killed under load it has something to recover, and is killed over that too.
    std::string die_in_start() {
        load_->start(child_.addresses());
        const int life = wait_between(life_ms_min, life_ms_max);
        std::string ended = child_.kill_serving();
        load_->stop();
        child_.launch();
        const int next_life = wait_between(0, change_ms_max);
        ended += child_.kill_serving();
        child_.start();
        if (!ended.empty()) throw std::runtime_error(ended);
        return fmt::format("killed after {} ms and {} ms into its start", life, next_life);
    }
    // Asked to stop under load; it may have ended well by the time that it is killed.
    std::string die_in_stop() {
        load_->start(child_.addresses());
        wait_between(life_ms_min, life_ms_max);
        ::kill(child_.process(), SIGTERM);
        const int life = wait_between(0, change_ms_max);
        child_.kill();
        load_->stop();
        const std::string how = child_.how_it_ended(), said = child_.said_since_launch();
        child_.start();
        if (how != end_at_point && how != stopped)
            throw std::runtime_error(fmt::format("asked to stop: {}\n{}", how, said));
        return fmt::format("killed {} ms into its stop", life);
    }
    // The broker dies under load and comes back, with or without the program.
    std::string lose_broker() {
        load_->start(child_.addresses());
        std::this_thread::sleep_for(std::chrono::milliseconds{life_ms_min});
        LocalBroker::instance().kill();
        const int away = wait_between(away_ms_min, away_ms_max);
        const bool both = random_() % 2;
        const std::string ended = both ? child_.kill_serving() : "";
        LocalBroker::instance().start();
        load_->stop();
        if (both) child_.start();
        wait_until_forwarded();
        if (!ended.empty()) throw std::runtime_error(ended);
        return fmt::format("the broker was away for {} ms{}", away, both ? ", killed with it" : "");
    }
    // What waited on the disk is in the log, and the rows have it.
    void wait_until_forwarded() {
        ProductClient client(child_.addresses());
        const Headers admin{{"authorization", "Bearer " + child_.addresses().admin_key}};
        std::string checks;
        const auto is_forwarded = [&] {
            checks = client.api("GET", "/v1/operator/checks", admin).body;
            return checks.find("kafka accepts events") != checks.npos && has_no_lag(client, admin);
        };
        if (!eventually(is_forwarded, forwarding_patience))
            throw std::runtime_error("the spool was not forwarded: " + checks);
    }
    static bool has_no_lag(ProductClient& client, const Headers& admin) {
        const Document topics(client.api("GET", "/v1/operator/topics", admin));
        std::int64_t lag = 0;
        for (const auto& topic : topics.data()) lag += topic["lag"].integer().value_or(0);
        return lag == 0;
    }
    // Started anew with a point; dies while it serves. The start itself may come to one too.
    std::string die_at_point() {
        const std::string name = kafka_ ? kafka_points[random_() % kafka_points.size()]
                                        : points[random_() % points.size()];
        const std::string point = fmt::format("{}:{}", name, 20 + random_() % 100);
        child_.kill();
        ::setenv("TRIBUTARY_CRASH_AT", point.c_str(), 1);
        child_.start();
        ::unsetenv("TRIBUTARY_CRASH_AT");
        load_->start(child_.addresses());
        const bool died = child_.ends_within(point_patience);
        load_->stop();
        child_.kill();
        const std::string how = child_.how_it_ended(), said = child_.said_since_launch();
        if (died) child_.start();
        if (!died) throw std::runtime_error("it never came to " + point);
        if (how != end_at_point)
            throw std::runtime_error(fmt::format("before {}: {}\n{}", point, how, said));
        return "died at " + point;
    }

    const bool kafka_, broker_dies_;
    std::mt19937_64 random_;
    ChildPlatform child_;
    std::optional<CheckedLoad> load_;
    CheckedView view_;
    Verdict totals_;
};

}  // namespace

int main(int argc, char** argv) {
    prove::Section section(
        argc, argv,
        "Kills the program under load and checks it after each restart.\n"
        "--log embedded|kafka; --kills N instead of --seconds; with --broker dies\n"
        "it is the broker that is killed, or both",
        "crash_section --seed 7 --seconds 60 --log embedded");
    const bool kafka = section.flag("--log", "embedded") == "kafka";
    const bool broker_dies = section.flag("--broker", "stays") == "dies";
    const int kills_max = std::atoi(section.flag("--kills", "0").c_str());
    const auto go_on = [&](int kills) {
        return kills_max ? kills < kills_max : section.time_left();
    };
    const std::string log = kafka ? "kafka:" + LocalBroker::instance().bootstrap() : "embedded";
    std::size_t acknowledged = 0;
    int kills = 0;
    for (std::uint64_t folder = 0; go_on(kills); ++folder) {
        std::optional<CrashWorld> world;
        section.must("start", [&] {
            world.emplace(log, section.seed() * 1'000 + folder, broker_dies);
            return "";
        });
        for (int i = 0; world && i < kills_per_folder && go_on(kills); ++i, ++kills) {
            section.attempt(fmt::format("folder {} kill {}", folder, i), [&] {
                return world->kill_and_check(i + 1 == kills_per_folder || !section.time_left());
            });
        }
        if (world) acknowledged += world->acknowledged();
    }
    section.must("events-are-taken", [&] {
        return acknowledged > 0 ? "" : "no event was acknowledged in the whole section";
    });
    fmt::print("{}={} acknowledged={}\n", broker_dies ? "broker_losses" : "kills", kills,
               acknowledged);
    return section.finish();
}
