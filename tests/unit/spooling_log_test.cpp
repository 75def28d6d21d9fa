// What comes while a log is away waits on the disk, in order, and is forwarded once it is back.
#include "bus/spool/spooling_log.hpp"

#include "bus/envelope.hpp"
#include "bus/memory/memory_log.hpp"
#include "bus/metrics.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <set>
#include <thread>

using namespace bus;
using namespace std::chrono_literals;
using tests::eventually;

namespace {

constexpr PartitionId partitions = 2;
constexpr milliseconds wait_max{20'000};
const std::string long_text(40'000, '0');

// What is wrong with the log below.
struct Trouble {
    std::atomic<bool> away{false};
    std::atomic<bool> forwards{true};
    std::atomic<int> refused{-1};         // this record of chat, partition 0, is never taken
    std::atomic<int> refusals{0};         // of it
    std::atomic<int> unheard{0};          // so many behind one that failed are never answered
    std::atomic<int> producers{0};        // made for ordered appends
    std::atomic<bool> gives_back{false};  // new ones, while those of the spool are taken
    std::atomic<bool> hangs{false};       // chat, partition 0, is taken and not answered
    std::atomic<bool> holds{false};       // those that may be given back are not answered yet
    std::mutex mutex;
    std::vector<std::function<void()>> unanswered;  // guarded, as all below
    struct Held {
        NewRecord record;
        AppendDone done;
    };
    std::vector<Held> held;

    std::size_t unanswered_now() {
        const std::lock_guard lock(mutex);
        return unanswered.size();
    }
    void answer_all() {
        hangs = false;
        const std::lock_guard lock(mutex);
        for (const auto& answer : std::exchange(unanswered, {})) answer();
    }

    std::vector<Held> take_held() {
        holds = false;
        const std::lock_guard lock(mutex);
        return std::exchange(held, {});
    }

    bool refuses(const NewRecord& record) {
        const bool refuses = record.topic == Topic::chat && record.partition == 0 &&
                             record.value == std::to_string(refused);
        if (refuses) ++refusals;
        return refuses;
    }
};

// In memory; away when told, and now and then an append fails in the middle of everything.
class AwayLog final : public ReturningLog {
public:
    AwayLog(memory::MemoryLog& memory, Trouble& trouble) : memory_(memory), trouble_(trouble) {}

    PartitionId partitions() const override { return memory_.partitions(); }
    std::string_view engine() const override { return "away"; }
    void set_give_back(GiveBack give_back) override { give_back_ = std::move(give_back); }
    void append_or_give_back(NewRecord record, AppendDone done) override {
        if (trouble_.away || trouble_.gives_back)
            return give_back_(std::move(record), std::move(done));
        if (trouble_.holds) {
            const std::lock_guard lock(trouble_.mutex);
            trouble_.held.push_back({std::move(record), std::move(done)});
            return;
        }
        memory_.append(std::move(record), std::move(done));
    }
    void append(NewRecord record, AppendDone done) override {
        if (trouble_.away) return done(fail(ErrorCode::unavailable, "away"));
        if (trouble_.refuses(record)) return done(fail(ErrorCode::too_large, "too large"));
        memory_.append(std::move(record), std::move(done));
    }
    Result<std::unique_ptr<OrderedAppends>> ordered_appends() override {
        if (trouble_.away || !trouble_.forwards) return fail(ErrorCode::unavailable, "away");
        ++trouble_.producers;
        return std::unique_ptr<OrderedAppends>(std::make_unique<OneByOne>(*this, trouble_));
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
        return trouble_.away ? LogStatus{.accepting = false, .detail = "away"} : memory_.status();
    }
    void close() override {}

    // What is to become of one that was held.
    void give_back(Trouble::Held held) { give_back_(std::move(held.record), std::move(held.done)); }
    void store(Trouble::Held held) { memory_.append(std::move(held.record), std::move(held.done)); }

private:
    class OneByOne final : public OrderedAppends {
    public:
        OneByOne(Log& log, Trouble& trouble) : log_(log), trouble_(trouble) {}
        void append(NewRecord record, AppendDone done) override {
            if (failed_ && trouble_.unheard > 0) {
                --trouble_.unheard;
                return;
            }
            auto appended = failed_ ? fail(ErrorCode::cancelled, "one before it failed")
                                    : append_and_wait(log_, std::move(record), wait_max);
            if (!appended) failed_ = true;
            if (!appended || !trouble_.hangs || appended->address.topic != Topic::chat ||
                appended->address.partition != 0)
                return done(std::move(appended));
            const std::lock_guard lock(trouble_.mutex);
            trouble_.unanswered.push_back([done = std::move(done), appended] { done(appended); });
        }

    private:
        Log& log_;
        Trouble& trouble_;
        bool failed_ = false;
    };

    memory::MemoryLog& memory_;
    Trouble& trouble_;
    GiveBack give_back_;
};

// A real disk whose free space is as told, and where only so many files can be removed.
class LimitedDisk final : public embedded::FileOps {
public:
    Result<Done> make_directory(const Path& d) override { return real_.make_directory(d); }
    // A real one lists in any order.
    Result<std::vector<std::string>> list(const Path& d) override {
        auto names = real_.list(d);
        if (names) std::sort(names->begin(), names->end());
        return names;
    }
    Result<std::unique_ptr<embedded::File>> open(const Path& f) override { return real_.open(f); }
    Result<Done> create_zeroed(const Path& f, std::uint64_t bytes) override {
        return real_.create_zeroed(f, bytes);
    }
    Result<Done> rename(const Path& a, const Path& b) override { return real_.rename(a, b); }
    Result<Done> remove(const Path& f) override {
        if (!std::filesystem::exists(f)) return real_.remove(f);
        if (removals_left == 0) removal_refused = true;
        if (removal_refused) return fail(ErrorCode::unavailable, "cut off");
        --removals_left;
        return real_.remove(f);
    }
    Result<Done> sync_directory(const Path& d) override { return real_.sync_directory(d); }
    Result<std::uint64_t> free_bytes(const Path& d) override {
        return full ? std::uint64_t{0} : real_.free_bytes(d);
    }
    Result<std::unique_ptr<embedded::DirectoryLock>> lock(const Path& d) override {
        return real_.lock(d);
    }
    std::atomic<bool> full{false}, removal_refused{false};
    std::atomic<int> removals_left{1'000};

private:
    embedded::FileOps& real_ = embedded::real_files();
};

struct World {
    tests::TempDirectory folder;
    LimitedDisk disk;
    memory::MemoryLog memory{{.partitions = partitions}};
    Trouble trouble;
    std::atomic<bool>& away = trouble.away;
    AwayLog* target = nullptr;  // of the log
    std::unique_ptr<spool::SpoolingLog> log;
    std::uint64_t bytes_max = 64u << 20;
    milliseconds silence_max = 1h;
    std::atomic<int> taken{0}, refused{0};  // of those that were not waited for

    explicit World(std::uint64_t spool_bytes_max = 64u << 20) : bytes_max(spool_bytes_max) {
        open();
    }
    explicit World(milliseconds silence) : silence_max(silence) { open(); }

    void open() {
        spool::SpoolOptions options{.directory = folder.path() / "spool",
                                    .partitions = partitions,
                                    .bytes_max = bytes_max,
                                    .segment_bytes = 1u << 20,
                                    .reserve_bytes = 1,
                                    .silence_max = silence_max,
                                    .rests = {.pause_min = 10ms, .pause_max = 50ms},
                                    .answers_wait_max = 1s,
                                    .files = &disk};
        auto away_log = std::make_unique<AwayLog>(memory, trouble);
        target = away_log.get();
        auto opened = spool::SpoolingLog::open(std::move(away_log), options);
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
    static NewRecord with_key(int number) {
        NewRecord keyed = record(number);
        keyed.dedup.emplace();
        keyed.dedup->bytes[0] = static_cast<std::uint8_t>(number);
        keyed.headers.add(header::dedup, fmt::format("{:02x}{:030}", number, 0));
        keyed.ingest_time = system_clock().now();
        keyed.headers.add(header::ingest_time, to_iso(keyed.ingest_time));
        return keyed;
    }
    Result<Appended> say(int number, Topic topic = Topic::chat, PartitionId partition = 0) {
        return append_and_wait(*log, record(number, topic, partition), wait_max);
    }
    // Not waited for.
    void begin_to_say(int number, Topic topic = Topic::chat) {
        log->append(record(number, topic),
                    [this](const Result<Appended>& appended) { ++(appended ? taken : refused); });
    }
    Result<Appended> say_long(int number, Topic topic = Topic::chat, PartitionId partition = 0) {
        NewRecord long_one = record(number, topic, partition);
        long_one.value.insert(0, long_text);
        return append_and_wait(*log, std::move(long_one), wait_max);
    }
    std::filesystem::path piece(std::uint64_t number) const {
        return folder.path() / "spool" / std::to_string(number);
    }
    void wait_until_forwarded() const {
        REQUIRE(eventually([&] { return log->waiting() == 0; }));
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
    CHECK(eventually([&] { return !std::filesystem::exists(folder / "1"); }));
    world.log.reset();
    world.open();
    CHECK(world.log->waiting() == 0);
    CHECK(world.stored() == up_to(number));
}

TEST_CASE("spool: what is given back while others are on their way keeps its place among them") {
    World world;
    world.trouble.holds = true;
    for (int i = 0; i < 3; ++i) world.begin_to_say(i);
    world.away = true;
    world.begin_to_say(3);
    auto held = world.trouble.take_held();
    REQUIRE(held.size() == 3);
    world.target->give_back(std::move(held[0]));
    world.begin_to_say(4);
    CHECK_MESSAGE(world.log->waiting() == 0, "others of the partition are still on their way");
    CHECK(world.say(0, Topic::voice)->durability == Durability::local);
    SUBCASE("all are given back") {
        world.target->give_back(std::move(held[1]));
        world.begin_to_say(5);
        world.target->give_back(std::move(held[2]));
        world.begin_to_say(6);
        world.away = false;
        CHECK(eventually([&] { return world.taken == 7; }));
        world.wait_until_forwarded();
        CHECK(world.stored() == up_to(7));
    }
    SUBCASE("the others are stored") {
        world.target->store(std::move(held[1]));
        world.target->store(std::move(held[2]));
        world.away = false;
        CHECK(eventually([&] { return world.taken == 5; }));
        world.wait_until_forwarded();
        CHECK(world.stored() == std::vector{1, 2, 0, 3, 4});
    }
    SUBCASE("the log is closed before they are answered") {
        world.log->close();
        world.target->give_back(std::move(held[1]));
        world.target->give_back(std::move(held[2]));
        CHECK(eventually([&] { return world.taken + world.refused == 5; }));
        CHECK(world.taken >= 3);
        return;
    }
    CHECK(world.say(7)->durability == Durability::memory);
}

TEST_CASE("spool: what comes while the log answers nothing is not sent after what it holds") {
    World world(0ms);
    world.trouble.holds = true;
    world.begin_to_say(0);
    for (int i = 1; i < 4; ++i) world.begin_to_say(i);
    world.begin_to_say(0, Topic::voice);  // of which nothing was silent
    auto held = world.trouble.take_held();
    REQUIRE(held.size() == 2);
    CHECK_MESSAGE(world.log->waiting() == 0, "the first may still be stored");
    world.target->store(std::move(held[1]));
    SUBCASE("what it holds is stored") {
        world.target->store(std::move(held[0]));
    }
    SUBCASE("what it holds is given back") {
        world.target->give_back(std::move(held[0]));
    }
    CHECK(eventually([&] { return world.taken == 5; }));
    world.wait_until_forwarded();
    CHECK(world.stored() == up_to(4));
    CHECK(world.stored(Topic::voice) == up_to(1));
    CHECK(world.say(4)->durability == Durability::memory);
}

TEST_CASE("spool: copies that are answered do not hide that one is not") {
    constexpr auto silence = 200ms;
    World world(silence);
    REQUIRE(append_and_wait(*world.log, World::with_key(0), wait_max));
    REQUIRE(append_and_wait(*world.log, World::with_key(0), wait_max)->duplicate);
    world.trouble.holds = true;
    world.begin_to_say(1);
    auto held = world.trouble.take_held();  // and holds no more
    REQUIRE(held.size() == 1);
    const auto sent_by = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() < sent_by + silence) {
        world.log->append(World::with_key(0), [](const auto&) {});
        std::this_thread::sleep_for(5ms);
    }
    world.begin_to_say(2);
    world.target->give_back(std::move(held[0]));
    CHECK(eventually([&] { return world.taken == 2; }));
    world.wait_until_forwarded();
    CHECK_MESSAGE(world.stored() == up_to(3), "the newcomer waits behind the unanswered");
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
    REQUIRE(append_and_wait(*world.log, World::with_key(1), wait_max));
    const auto copy = append_and_wait(*world.log, World::with_key(1), wait_max);
    REQUIRE(copy);
    CHECK(copy->duplicate);
    CHECK(world.log->waiting() == 1);
    world.away = false;
    world.wait_until_forwarded();
    CHECK(append_and_wait(*world.log, World::with_key(1), wait_max)->duplicate);
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
