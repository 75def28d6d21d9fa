// What comes while a log is away waits on the disk, in order, and is forwarded once it is back.
#include "bus/spool/spooling_log.hpp"

#include "bus/envelope.hpp"
#include "bus/memory/memory_log.hpp"
#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <random>
#include <set>
#include <thread>

using namespace bus;
using namespace std::chrono_literals;

namespace {

constexpr PartitionId partitions = 2;
constexpr milliseconds wait_max{20'000};

// In memory; away when told, and now and then an append fails in the middle of everything.
class AwayLog final : public ReturningLog {
public:
    explicit AwayLog(memory::MemoryLog& memory, std::atomic<bool>& away)
        : memory_(memory), away_(away) {}

    PartitionId partitions() const override { return memory_.partitions(); }
    std::string_view engine() const override { return "away"; }
    void set_give_back(GiveBack give_back) override { give_back_ = std::move(give_back); }
    void append_or_give_back(NewRecord record, AppendDone done) override {
        if (away_) return give_back_(std::move(record), std::move(done));
        memory_.append(std::move(record), std::move(done));
    }
    void append(NewRecord record, AppendDone done) override {
        if (away_) return done(fail(ErrorCode::unavailable, "away"));
        memory_.append(std::move(record), std::move(done));
    }
    Result<std::unique_ptr<Reader>> open_reader(const ReaderOptions& options) override {
        return memory_.open_reader(options);
    }
    Result<OwnedRecord> read_at(const Address& address) override {
        return memory_.read_at(address);
    }
    Result<Offset> start_offset(TopicPartition where) override {
        return memory_.start_offset(where);
    }
    Result<Offset> end_offset(TopicPartition where) override { return memory_.end_offset(where); }
    LogStatus status() const override {
        return away_ ? LogStatus{.accepting = false, .detail = "away"} : memory_.status();
    }
    void close() override {}

private:
    memory::MemoryLog& memory_;
    std::atomic<bool>& away_;
    GiveBack give_back_;
};

struct World {
    tests::TempDirectory folder;
    memory::MemoryLog memory{{.partitions = partitions}};
    std::atomic<bool> away{false};
    std::unique_ptr<spool::SpoolingLog> log;
    std::uint64_t bytes_max = 64u << 20;

    explicit World(std::uint64_t spool_bytes_max = 64u << 20) : bytes_max(spool_bytes_max) {
        open();
    }

    void open() {
        spool::SpoolOptions options{.directory = folder.path() / "spool",
                                    .partitions = partitions,
                                    .bytes_max = bytes_max,
                                    .segment_bytes = 1u << 20,
                                    .reserve_bytes = 0};
        auto opened = spool::SpoolingLog::open(std::make_unique<AwayLog>(memory, away), options);
        REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().message));
        log = *std::move(opened);
    }
    static NewRecord record(int number, Topic topic = Topic::chat, PartitionId partition = 0) {
        NewRecord record;
        record.topic = topic;
        record.partition = partition;
        record.key = "tenant";
        record.value = std::to_string(number);
        record.headers.add(header::id, fmt::format("00000000-0000-7000-8000-{:012}", number));
        return record;
    }
    Result<Appended> say(int number, Topic topic = Topic::chat, PartitionId partition = 0) {
        return append_and_wait(*log, record(number, topic, partition), wait_max);
    }
    void wait_until_forwarded() const {
        for (int i = 0; i < 2'000 && log->waiting() > 0; ++i) std::this_thread::sleep_for(10ms);
        REQUIRE(log->waiting() == 0);
    }
    std::vector<int> stored(Topic topic = Topic::chat, PartitionId partition = 0) {
        std::vector<int> numbers;
        for (Offset offset = 0;; ++offset) {
            const auto found = memory.read_at({topic, partition, offset});
            if (!found) return numbers;
            numbers.push_back(std::stoi(found->value));
        }
    }
};

std::vector<int> up_to(int count) {
    std::vector<int> numbers;
    for (int i = 0; i < count; ++i) numbers.push_back(i);
    return numbers;
}

}  // namespace

TEST_CASE("spool: what comes while the log is away is kept, and forwarded in order") {
    World world;
    CHECK(world.say(0)->durability == Durability::memory);
    world.away = true;
    for (int i = 1; i < 50; ++i) {
        const auto kept = world.say(i);
        REQUIRE(kept);
        CHECK(kept->durability == Durability::local);
        CHECK(kept->position == Position{.partition = 0});
    }
    CHECK(world.stored() == up_to(1));
    CHECK(world.log->waiting() == 49);
    CHECK(world.log->status().accepting);
    CHECK(world.log->status().detail.find("49 events wait") != std::string::npos);
    world.away = false;
    CHECK(world.say(50)->durability == Durability::local);  // behind those that wait
    world.wait_until_forwarded();
    CHECK(world.say(51)->durability == Durability::memory);
    CHECK(world.stored() == up_to(52));
}

TEST_CASE("spool: it outlives the process, again and again, and gives its space back") {
    World world;
    world.away = true;
    int number = 0;
    for (int round = 0; round < 4; ++round) {
        for (int i = 0; i < 10; ++i) REQUIRE(world.say(number++));
        world.log.reset();
        world.open();
        CHECK(world.log->waiting() == static_cast<std::uint64_t>(number));
    }
    world.away = false;
    world.wait_until_forwarded();
    CHECK(world.stored() == up_to(number));
    const auto folder = world.folder.path() / "spool";
    for (int i = 0; i < 1'000 && std::filesystem::exists(folder / "1"); ++i)
        std::this_thread::sleep_for(10ms);
    CHECK_FALSE(std::filesystem::exists(folder / "1"));
    world.log.reset();
    world.open();
    CHECK(world.log->waiting() == 0);
    CHECK(world.stored() == up_to(number));
}

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

TEST_CASE("spool: a log that is away says so at once, one that is closed can still be read") {
    World world;
    REQUIRE(world.say(0));
    world.away = true;
    CHECK(world.log->end_offset({Topic::chat, 0}).error().code == ErrorCode::unavailable);
    world.log->close();
    CHECK(world.log->end_offset({Topic::chat, 0}).value_or(0) == 1);
}

TEST_CASE("spool: a copy of what waits is the same event") {
    World world;
    world.away = true;
    const auto with_key = [](int number) {
        NewRecord record = World::record(number);
        record.dedup.emplace();
        record.dedup->bytes[0] = static_cast<std::uint8_t>(number);
        record.headers.add(header::dedup, fmt::format("{:02x}{:030}", number, 0));
        record.ingest_time = system_clock().now();
        record.headers.add(header::ingest_time, to_iso(record.ingest_time));
        return record;
    };
    REQUIRE(append_and_wait(*world.log, with_key(1), wait_max));
    const auto copy = append_and_wait(*world.log, with_key(1), wait_max);
    REQUIRE(copy);
    CHECK(copy->duplicate);
    CHECK(world.log->waiting() == 1);
    world.away = false;
    world.wait_until_forwarded();
    CHECK(append_and_wait(*world.log, with_key(1), wait_max)->duplicate);
    CHECK(world.stored() == std::vector{1});
}

TEST_CASE("spool: the log comes and goes under load, and each partition keeps its order") {
    World world;
    std::atomic<bool> stopped{false};
    std::thread weather([&] {
        std::mt19937 random(7);
        while (!stopped) {
            world.away = random() % 2 == 0;
            if (random() % 4 == 0)
                world.memory.faults().fail_append(random() % 20 + 1,
                                                  fail(ErrorCode::unavailable, "lost"));
            std::this_thread::sleep_for(milliseconds{random() % 20});
        }
        world.away = false;
    });
    constexpr int count = 600;
    std::vector<std::thread> senders;
    std::array<std::vector<int>, 4> acknowledged;
    for (int sender = 0; sender < 4; ++sender)
        senders.emplace_back([&, sender] {
            const Topic topic = sender < 2 ? Topic::chat : Topic::voice;
            for (int i = 0; i < count; ++i)
                if (world.say(i, topic, static_cast<PartitionId>(sender % 2)))
                    acknowledged[static_cast<std::size_t>(sender)].push_back(i);
        });
    for (std::thread& sender : senders) sender.join();
    stopped = true;
    weather.join();
    world.wait_until_forwarded();
    for (int sender = 0; sender < 4; ++sender) {
        const Topic topic = sender < 2 ? Topic::chat : Topic::voice;
        const auto& said = acknowledged[static_cast<std::size_t>(sender)];
        const auto found = world.stored(topic, static_cast<PartitionId>(sender % 2));
        CHECK(std::is_sorted(found.begin(), found.end()));
        CHECK(std::includes(found.begin(), found.end(), said.begin(), said.end()));
        CHECK(std::set<int>(found.begin(), found.end()).size() == found.size());
        CHECK(said.size() > count / 2);
    }
}

TEST_CASE("spool: sources do not wait for each other, and each keeps its order when one fails") {
    World world;
    world.away = true;
    constexpr int sources = 20, each = 30;
    for (int i = 0; i < sources * each; ++i) {
        NewRecord record = World::record(i);
        record.headers.add(header::source, fmt::format("src_{:013}", i % sources));
        REQUIRE(append_and_wait(*world.log, std::move(record), wait_max));
    }
    world.memory.faults().fail_append(105, fail(ErrorCode::unavailable, "lost"));
    world.memory.faults().delay_appends(microseconds{2'000});
    world.away = false;
    world.wait_until_forwarded();
    const auto found = world.stored();
    CHECK(std::set<int>(found.begin(), found.end()).size() == sources * each);
    for (int source = 0; source < sources; ++source) {
        std::vector<int> first;  // what comes again after the failure takes no effect
        for (const int number : found)
            if (number % sources == source &&
                std::find(first.begin(), first.end(), number) == first.end())
                first.push_back(number);
        CHECK(first.size() == each);
        CHECK(std::is_sorted(first.begin(), first.end()));
    }
    // What was far ahead when one failed came again, whatever did not was sent once.
    CHECK(found.size() < 2 * sources * each);
}
