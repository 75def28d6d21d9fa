#include "tests/support/forwarding_log.hpp"
#include "tests/support/silent_log.hpp"
#include "tests/unit/commands_fixture.hpp"

using namespace commands_test;
using namespace std::chrono_literals;

namespace {

// A log whose readers, once broken, never work again: a new one must be opened.
class BreakableLog final : public tests::ForwardingLog {
public:
    using ForwardingLog::ForwardingLog;

    void break_readers() { ++breaks_; }
    int opened() const { return opened_; }

    bus::Result<std::unique_ptr<bus::Reader>> open_reader(
        const bus::ReaderOptions& options) override {
        auto reader = ForwardingLog::open_reader(options);
        if (!reader) return reader.error();
        ++opened_;
        return std::unique_ptr<bus::Reader>(
            std::make_unique<BreakableReader>(*std::move(reader), breaks_));
    }

private:
    class BreakableReader final : public bus::Reader {
    public:
        BreakableReader(std::unique_ptr<bus::Reader> reader, const std::atomic<int>& breaks)
            : reader_(std::move(reader)), breaks_(breaks), born_(breaks) {}
        bus::Result<bus::RecordBatch> poll(std::size_t records_max,
                                           std::size_t bytes_max) override {
            if (breaks_ != born_) return bus::fail(bus::ErrorCode::unavailable, "broken");
            return reader_->poll(records_max, bytes_max);
        }

    private:
        std::unique_ptr<bus::Reader> reader_;
        const std::atomic<int>& breaks_;
        const int born_;
    };

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
