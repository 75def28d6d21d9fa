// The program under load from several connections, killed at random moments and started again: the
// checker finds nothing lost, double, out of order, wrong, older than before or leaked.
#include "tests/support/checked_view.hpp"
#include "tests/support/child_platform.hpp"
#include "tests/support/local_broker.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>
#include <random>
#include <thread>

using namespace tests;
using namespace tests::checker;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t repeated_of_each = 20;

int kills_wanted(int otherwise) {
    const char* text = std::getenv("TRIBUTARY_KILLS");
    return text ? std::atoi(text) : otherwise;
}

void check_nothing_wrong(const Verdict& verdict) {
    CHECK_MESSAGE(verdict.faults() == 0,
                  fmt::format("{}\n{}", to_string(verdict), fmt::join(verdict.examples, "\n")));
}

std::int64_t measured_messages(ProductClient& client, const Tenant& tenant) {
    const auto answer = client.list(
        tenant, "/v1/measures/messages?from=2026-03-01T00:00:00Z&to=2027-03-01T00:00:00Z");
    std::int64_t sum = 0;
    for (const auto& group : answer.data()) sum += group["received"].integer().value_or(0);
    return sum;
}

void check_measures(ProductClient& client, const CheckedLoad& load) {
    std::vector<std::int64_t> messages(load.tenants().size());
    for (const Told& told : load.told()) messages[told.tenant] += told.kind == Kind::message;
    for (std::size_t tenant = 0; tenant < messages.size(); ++tenant)
        CHECK(measured_messages(client, load.tenants()[tenant]) == messages[tenant]);
}

void kill_and_compare(const std::string& log, int kills) {
    const Rules rules{.log_may_repeat = log != "embedded"};
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random(seed);
    ChildPlatform child(TRIBUTARY_PROGRAM, log);
    child.start();
    ProductClient setup(child.addresses());
    CheckedLoad load(setup, {.tenants = 5, .pause = 1'000us});
    CheckedView view;
    for (int i = 0; i < kills; ++i) {
        CAPTURE(i);
        load.start(child.addresses());
        std::this_thread::sleep_for(bus::milliseconds{50 + random() % 800});
        const std::string ended = child.kill_serving();
        CHECK_MESSAGE(ended.empty(), ended);
        load.stop();
        child.start();
        ProductClient client(child.addresses());
        check_nothing_wrong(check(client, load, view, Proof::log, rules));
    }
    child.kill();
    child.start();  // once more: what is read does not depend on what was in memory
    ProductClient client(child.addresses());
    CheckedView fresh;
    check_nothing_wrong(check(client, load, fresh, Proof::rows, rules));
    check_measures(client, load);
    CHECK(fmt::format("{}", fmt::join(load.repeat(client, repeated_of_each), "\n")) == "");
    MESSAGE(log.substr(0, 8), ": ", load.acknowledged(), " events acknowledged over ", kills,
            " kills");
    CHECK(load.acknowledged() > static_cast<std::size_t>(kills) * 5);
}

}  // namespace

#ifdef PLATFORM_KILL_ON_KAFKA
TEST_CASE("kill -9 under load on Kafka loses, doubles and reorders nothing") {
    kill_and_compare("kafka:" + LocalBroker::instance().bootstrap(), kills_wanted(10));
}
#else
TEST_CASE("kill -9 under load on the journal loses, doubles and reorders nothing") {
    kill_and_compare("embedded", kills_wanted(10));
}
#endif
