// What room a spool takes, and gives back.
#include "bus/embedded/journal_format.hpp"
#include "bus/spool/spool_piece.hpp"
#include "tests/support/forwarding_disk.hpp"
#include "tests/unit/spooling_fixture.hpp"

using namespace spool_test;

namespace {

// A real disk that lets the first segment be opened once.
class OpeningOnce final : public tests::ForwardingDisk {
public:
    OpeningOnce() : ForwardingDisk(embedded::real_files()) {}
    Result<std::unique_ptr<embedded::File>> open(const Path& f) override {
        if (f.filename() != embedded::segment_file_name(1) || ++opened <= 1)
            return ForwardingDisk::open(f);
        if (takes_away) std::filesystem::remove(f);
        return fail(ErrorCode::unavailable, "it was open before");
    }
    std::atomic<int> opened{0};
    std::atomic<bool> takes_away{false};
};

}  // namespace

TEST_CASE("spool: facts are never kept, a full one refuses") {
    World world(2'000);
    world.away = true;
    CHECK_FALSE(world.say(0, Topic::facts));
    CHECK_FALSE(world.say(0, Topic::control));
    int kept = 0;
    while (world.say(kept)) ++kept;
    CHECK(kept > 5);
    const auto refused = world.say(kept);
    CHECK(refused.error().code == ErrorCode::unavailable);
    CHECK_FALSE(world.log->status().accepting);
    world.away = false;
    world.wait_until_forwarded();
    CHECK(world.stored() == up_to(kept));
}

TEST_CASE("spool: nothing overtakes what waits in a full one") {
    World world(2'000);
    world.away = true;
    int kept = 0;
    while (world.say(kept)) ++kept;
    world.trouble.forwards = false;
    world.away = false;
    CHECK_FALSE(world.say(kept));
    CHECK(world.say(0, Topic::voice)->durability == Durability::memory);  // nothing of it waits
    world.trouble.forwards = true;
    world.wait_until_forwarded();
    CHECK(world.stored() == up_to(kept));
}

TEST_CASE("spool: what the disk refused takes no room of it") {
    World world(2'000);
    world.away = true;
    world.disk.full = true;
    CHECK(eventually([&] { return !world.say(0); }));
    for (int i = 1; i < 200; ++i) CHECK_FALSE(world.say(i));
    world.disk.full = false;
    CHECK(eventually([&] { return world.say(1'000).has_value(); }));
    world.away = false;
    world.wait_until_forwarded();
    CHECK(world.stored().back() == 1'000);
}

TEST_CASE("spool: room comes back as it is forwarded, while others still wait") {
    World world(4u << 20);
    world.away = true;
    for (int i = 0; i < 3; ++i) REQUIRE(world.say(i));
    int kept = 0;
    for (; world.say_long(kept, Topic::chat, 1); ++kept)
        if (kept == 40)  // the first one is full
            REQUIRE(eventually([&] { return std::filesystem::exists(world.piece(2)); }));
    CHECK_FALSE(world.say(3));
    CHECK_FALSE(world.log->status().accepting);
    world.trouble.refused = 1;
    world.away = false;
    CHECK(eventually([&] { return world.stored(Topic::chat, 1) == up_to(kept); }));
    bool is_taken = false;
    CHECK(eventually([&] { return is_taken = is_taken || world.say(3); }));
    CHECK(world.log->waiting() == 3);
    world.trouble.refused = -1;
    world.wait_until_forwarded();
    CHECK(world.stored() == up_to(4));
}

TEST_CASE("spool: its pieces outlive the process, and are forwarded in order") {
    World world;
    world.away = true;
    int kept = 0;
    constexpr int fills_a_piece = 220;  // an eighth of the spool
    for (std::uint64_t piece = 2; piece < 4; ++piece) {
        const auto is_there = [&] { return std::filesystem::exists(world.piece(piece)); };
        // One that is there is not written yet: what comes until then fills the one before.
        for (int i = 0; i < fills_a_piece || (i < 3 * fills_a_piece && !is_there()); ++i)
            REQUIRE(world.say_long(kept++));
        REQUIRE(eventually(is_there));
        REQUIRE(world.say(0, Topic::voice));
    }
    world.log.reset();
    world.open();
    CHECK(world.log->waiting() == static_cast<std::uint64_t>(kept) + 2);
    REQUIRE(world.say(kept++));
    world.away = false;
    world.wait_until_forwarded();
    CHECK(world.stored() == up_to(kept));
    CHECK(world.stored(Topic::voice).size() == 2);
}

TEST_CASE("spool: the removal of an old one is cut off anywhere, and the next start goes on") {
    for (int removals = 0; removals < 3; ++removals) {
        World world;
        world.away = true;
        for (int i = 0; i < 10; ++i) REQUIRE(world.say(i));
        world.disk.removals_left = removals;
        world.away = false;
        world.wait_until_forwarded();
        REQUIRE(eventually([&] { return world.disk.removal_refused.load(); }));
        world.log.reset();
        world.disk.removal_refused = false;
        world.disk.removals_left = 1'000;
        world.open();
        CHECK(world.log->waiting() == 0);
        CHECK(world.stored() == up_to(10));
        const std::filesystem::directory_iterator left(world.folder.path() / "spool");
        CHECK(std::distance(begin(left), end(left)) == 1);
    }
}

TEST_CASE("spool: it is not opened while nobody can say what room a file of it takes") {
    const tests::TempDirectory folder;
    OpeningOnce disk;
    embedded::JournalOptions options{
        .directory = folder.path(), .partitions = partitions, .segment_bytes = 1u << 20};
    options.reserve_bytes = 1;
    options.files = &disk;
    {
        const auto piece = spool::Piece::open(1, options);
        REQUIRE(piece);
        (*piece)->append(World::record(1), [](const Result<Appended>&) {});
        REQUIRE(eventually([&] { return (*piece)->is_settled(); }));
    }
    disk.opened = 0;
    CHECK(spool::Piece::open(1, options).error().code == ErrorCode::unavailable);
    disk.opened = 0;
    disk.takes_away = true;  // one that has gone takes none
    CHECK(spool::Piece::open(1, options));
}
