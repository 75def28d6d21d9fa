// The journal's housekeeper by itself, on a disk where nothing can be made.
#include "bus/embedded/keeper.hpp"
#include "tests/support/eventually.hpp"

#include <doctest/doctest.h>

using namespace bus;
using namespace bus::embedded;
using namespace std::chrono_literals;

namespace {

class FullDisk final : public FileOps {
public:
    Result<Done> make_directory(const Path&) override { return Done{}; }
    Result<std::vector<std::string>> list(const Path&) override {
        return std::vector<std::string>{};
    }
    Result<std::unique_ptr<File>> open(const Path&) override { return full(); }
    Result<Done> create_zeroed(const Path&, std::uint64_t) override {
        attempts += 1;
        return full();
    }
    Result<Done> rename(const Path&, const Path&) override { return full(); }
    Result<Done> remove(const Path&) override { return Done{}; }
    Result<Done> sync_directory(const Path&) override { return Done{}; }
    Result<std::uint64_t> free_bytes(const Path&) override {
        looks += 1;
        return 1u << 30;
    }
    Result<std::unique_ptr<DirectoryLock>> lock(const Path&) override { return full(); }

    std::atomic<int> attempts{0};
    std::atomic<int> looks{0};  // the keeper's rounds

private:
    static Error full() { return fail(ErrorCode::unavailable, "the disk is full"); }
};

bool becomes_more_than(int before, const std::atomic<int>& count) {
    return tests::eventually([&] { return count > before; });
}

struct FailingKeeper {
    explicit FailingKeeper(milliseconds pause)
        : options{.directory = "nowhere", .space_check_interval = pause, .files = &disk} {
        keeper.start();
        REQUIRE(keeper.take_next().error().code == ErrorCode::unavailable);
    }
    FullDisk disk;
    JournalOptions options;
    SegmentList segments{Slots(1)};
    Keeper keeper{options, segments, 1, std::nullopt};
};

}  // namespace

TEST_CASE("keeper: a segment that cannot be prepared is not tried again before the pause is over") {
    FailingKeeper failing(1h);
    for (int round = 0; round < 3; ++round) {
        const int looks = failing.disk.looks;
        failing.keeper.group();
        REQUIRE(becomes_more_than(looks, failing.disk.looks));
    }
    CHECK(failing.disk.attempts == 1);
}

TEST_CASE("keeper: a segment that cannot be prepared is tried again after the pause") {
    FailingKeeper failing(2ms);
    CHECK(becomes_more_than(3, failing.disk.attempts));
}
