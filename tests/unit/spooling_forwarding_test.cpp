// What fails, hangs or cannot be read while it is forwarded holds up no other.
#include "tests/unit/spooling_fixture.hpp"

#include "bus/metrics.hpp"

#include <fstream>

using namespace spool_test;

namespace {

// One byte of the first file that holds `text` is another until mend().
class DamagedByte {
public:
    DamagedByte(const std::filesystem::path& folder, const std::string& text) {
        for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
            if (!entry.is_regular_file()) continue;
            std::ifstream in(entry.path(), std::ios::binary);
            const std::string bytes{std::istreambuf_iterator<char>(in), {}};
            place_ = bytes.find(text);
            if (place_ == std::string::npos) continue;
            file_ = entry.path();
            was_ = text.front();
            write(static_cast<char>(was_ ^ 1));
            return;
        }
        FAIL("no file holds ", text);
    }
    void mend() const { write(was_); }

private:
    void write(char byte) const {
        std::fstream out(file_, std::ios::binary | std::ios::in | std::ios::out);
        out.seekp(static_cast<std::streamoff>(place_));
        out.put(byte);
        REQUIRE(out.flush().good());
    }
    std::filesystem::path file_;
    std::size_t place_ = 0;
    char was_ = 0;
};

}  // namespace

TEST_CASE("spool: a topic partition that is never answered holds up no other") {
    World world;
    world.away = true;
    constexpr int count = 450;  // more than may be under way
    for (int i = 0; i < count; ++i) REQUIRE(world.say_long(i));
    world.trouble.hangs = true;
    world.away = false;
    REQUIRE(
        eventually([&] { return world.trouble.unanswered_now() * long_text.size() > 16u << 20; }));
    world.trouble.gives_back = true;
    for (int i = 0; i < 20; ++i)
        REQUIRE(world.say_long(i, Topic::chat, 1)->durability == Durability::local);
    CHECK(eventually([&] { return world.stored(Topic::chat, 1) == up_to(20); }));
    CHECK(world.stored().size() < count);
    world.trouble.gives_back = false;
    world.trouble.answer_all();
    world.wait_until_forwarded();
    CHECK(world.stored() == up_to(count));
}

TEST_CASE("spool: what comes behind one that fails comes again behind it") {
    World world;
    world.away = true;
    constexpr int count = 600;
    for (int i = 0; i < count; ++i) REQUIRE(world.say(i));
    world.memory.faults().fail_append(105, fail(ErrorCode::unavailable, "lost"));
    world.away = false;
    world.wait_until_forwarded();
    CHECK(world.stored() == up_to(count));
}

TEST_CASE("spool: a record that is refused for good rests its topic partition alone") {
    World world;
    world.away = true;
    constexpr int count = 10, refused = 3;
    for (int i = 0; i < count; ++i) {
        REQUIRE(world.say(i));
        REQUIRE(world.say(i, Topic::chat, 1));
        REQUIRE(world.say(i, Topic::voice));
    }
    world.trouble.refused = refused;
    world.away = false;
    CHECK(eventually([&] { return world.trouble.refusals >= 6; }));
    CHECK(world.stored(Topic::voice) == up_to(count));
    CHECK(world.stored(Topic::chat, 1) == up_to(count));
    CHECK(world.stored() == up_to(refused));
    CHECK(world.trouble.producers <= 2);
    CHECK(world.log->status().detail.find("tributary.chat[0] rests: too large") !=
          std::string::npos);
    CHECK(metrics::render().find("\nspool_resting_partitions 1\n") != std::string::npos);
    CHECK(world.say(count)->durability == Durability::local);  // behind those that wait
    world.trouble.refused = -1;
    world.wait_until_forwarded();
    CHECK(world.stored() == up_to(count + 1));
    CHECK(world.log->status().detail.empty());
    CHECK(metrics::render().find("\nspool_resting_partitions 0\n") != std::string::npos);
}

TEST_CASE("spool: appends that are never answered are given up, and come again") {
    World world;
    world.away = true;
    constexpr int count = 600;
    for (int i = 0; i < count; ++i) REQUIRE(world.say(i));
    world.memory.faults().fail_append(105, fail(ErrorCode::unavailable, "lost"));
    world.trouble.unheard = 3;
    world.away = false;
    world.wait_until_forwarded();
    CHECK(world.trouble.unheard == 0);
    CHECK(world.stored() == up_to(count));
}

TEST_CASE("spool: a partition of it that cannot be read rests alone, until it can") {
    World world;
    world.away = true;
    constexpr int count = 50;  // more than a spool's cache of its end
    for (int i = 0; i < count; ++i) {
        for (PartitionId partition = 0; partition < partitions; ++partition) {
            REQUIRE(world.say_long(i, Topic::chat, partition));
        }
    }
    const DamagedByte damage(world.folder.path() / "spool", "00000000-0000-7000-8000-000000000003");
    world.away = false;
    CHECK(eventually([&] { return world.stored(Topic::chat, 1) == up_to(count); }));
    CHECK(world.stored().size() < count);
    CHECK(world.log->waiting() > 0);
    damage.mend();
    world.wait_until_forwarded();
    CHECK(world.stored() == up_to(count));
}
