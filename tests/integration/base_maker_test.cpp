// What may happen while the base of expired records is made.
#include "tools/retention/base_maker.hpp"
#include "tests/integration/generations_build_fixture.hpp"

using namespace build_test;

namespace {

class Run final : public tools::jobs::JobRun {
public:
    void phase(std::string_view, std::uint64_t, std::string_view) override {}
    void advance(std::uint64_t) override {
        if (const auto happens = std::exchange(meanwhile, nullptr)) happens();
    }
    bool go_on() override { return true; }
    std::function<void()> meanwhile;
};

}  // namespace

TEST_CASE("base: one is not published that does not know a generation that began meanwhile") {
    Beside beside;
    beside.say_many(300);
    Run run;
    run.meanwhile = [&] {
        beside.start(2);
        REQUIRE(beside.build());
    };
    const auto make = [&] {
        return tools::retention::make_base(beside.pool, 0, beside.said_last, {}, run);
    };
    const auto refused = make();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == bus::ErrorCode::conflict);
    CHECK(fs::is_empty(beside.pool.setup().bases));
    const auto made = make();
    REQUIRE_MESSAGE(made, (made ? "" : made.error().message));
    CHECK(made->catalogue.find({"said", 2}) != nullptr);
    CHECK(beside.differences() == 0);
}
