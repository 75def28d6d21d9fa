#include "tests/support/polled_log.hpp"
#include "tests/support/silent_log.hpp"
#include "tests/unit/commands_fixture.hpp"

using namespace commands_test;
using namespace std::chrono_literals;

namespace {

// A log whose readers, once broken, never work again: a new one must be opened.
class BreakableLog final : public tests::PolledLog {
public:
    using PolledLog::PolledLog;

    void break_readers() { ++breaks_; }
    int opened() const { return opened_; }

private:
    Poll poll_of(const bus::ReaderOptions&) override {
        ++opened_;
        return [this, born = breaks_.load()](bus::Reader& reader, std::size_t records,
                                             std::size_t bytes) -> Polled {
            if (breaks_ != born) return bus::fail(bus::ErrorCode::unavailable, "broken");
            return reader.poll(records, bytes);
        };
    }

    std::atomic<int> breaks_{0}, opened_{0};
};

}  // namespace

TEST_CASE("follower: a reader that broke is opened again where the registry stands") {
    Platform platform;
    make_client(platform, "shop0");  // so that starting reads
    BreakableLog log(platform.log);
    auto registry = schemas::make_registry(provider_kinds());
    auto follower = schemas::ControlFollower::start(log, *registry);
    REQUIRE(follower);
    for (int broken = 1; broken <= 2; ++broken) {
        log.break_readers();
        const std::string code = fmt::format("shop{}", broken);
        make_client(platform, code);
        CHECK(registry->wait_applied(platform.node->registry->applied(), 5'000ms));
        CHECK(registry->tenant_by_code(code) != nullptr);
        CHECK(log.opened() == 1 + broken);
    }
    CHECK_FALSE((*follower)->failure());
}

TEST_CASE("follower: a log that goes away while it is read does not hold up a start for ever") {
    Platform platform;
    make_client(platform, "shop");
    tests::SilentLog silent(platform.log);
    auto registry = schemas::make_registry(provider_kinds());
    const auto follower =
        schemas::ControlFollower::start(silent, *registry, {.silence_max = 100ms});
    REQUIRE_FALSE(follower);
    CHECK(follower.error().code == bus::ErrorCode::unavailable);
}
