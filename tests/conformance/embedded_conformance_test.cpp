#include "bus/embedded/journal.hpp"
#include "tests/conformance/log_conformance.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/forwarding_disk.hpp"
#include "tests/support/sealed_segment.hpp"
#include "tests/support/temp_directory.hpp"

using namespace tests::conformance;
using bus::embedded::Journal;
using bus::embedded::JournalOptions;

namespace {

std::unique_ptr<Log> open_journal(const JournalOptions& options) {
    auto journal = Journal::open(options);
    REQUIRE_MESSAGE(journal.has_value(), (journal ? "" : journal.error().message));
    return std::move(*journal);
}

// Free space as told, the rest real.
class ShrinkingDisk final : public bus::embedded::FileOps {
public:
    Result<Done> make_directory(const Path& d) override { return real_.make_directory(d); }
    Result<std::vector<std::string>> list(const Path& d) override { return real_.list(d); }
    Result<std::unique_ptr<bus::embedded::File>> open(const Path& f) override {
        return real_.open(f);
    }
    Result<Done> create_zeroed(const Path& f, std::uint64_t bytes) override {
        used += bytes;
        return real_.create_zeroed(f, bytes);
    }
    Result<Done> rename(const Path& a, const Path& b) override { return real_.rename(a, b); }
    Result<Done> remove(const Path& f) override { return real_.remove(f); }
    Result<Done> sync_directory(const Path& d) override { return real_.sync_directory(d); }
    Result<std::uint64_t> free_bytes(const Path&) override {
        const std::uint64_t taken = used;
        return taken < capacity ? capacity - taken : 0;
    }
    Result<std::unique_ptr<bus::embedded::DirectoryLock>> lock(const Path& d) override {
        return real_.lock(d);
    }
    std::atomic<std::uint64_t> used{0}, capacity{0};

private:
    bus::embedded::FileOps& real_ = bus::embedded::real_files();
};

class ToldClock final : public Clock {
public:
    explicit ToldClock(Timestamp told) : told_(told) {}
    Timestamp now() override { return told_.load(); }
    void move_on(seconds by) { told_ = told_.load() + by; }

private:
    std::atomic<Timestamp> told_;
};

constexpr std::uint64_t tiny_segment_bytes = 64u << 10;

JournalOptions tiny_segments(const std::filesystem::path& directory, ToldClock& clock) {
    return {.directory = directory,
            .partitions = 4,
            .segment_bytes = tiny_segment_bytes,
            .reserve_bytes = 0,
            .tail_cache_bytes = 0,
            .clock = &clock};
}

NewRecord sixth_of_segment(std::uint64_t key) {
    NewRecord record = copy_of(key, key, 0s);
    record.value.assign(tiny_segment_bytes / 6, 'b');
    return record;
}

Engine embedded_engine(const JournalOptions& options, ShrinkingDisk& disk) {
    return {.create = [=] { return open_journal(options); },
            .reopen =
                [=](std::unique_ptr<Log> log) {
                    log.reset();
                    return open_journal(options);
                },
            .create_small =
                [=, &disk] {
                    JournalOptions small = options;
                    small.files = &disk;
                    small.segment_bytes = 1u << 20;
                    small.reserve_bytes = 2u << 20;
                    small.space_check_interval = 5ms;
                    disk.capacity = 6u << 20;
                    return open_journal(small);
                },
            .journal_order = true,
            .durability = Durability::fsynced};
}

}  // namespace

TEST_CASE("the journal keeps the promises of a log") {
    tests::TempDirectory directory;
    ShrinkingDisk disk;
    run_all(embedded_engine({.directory = directory.path(),
                             .partitions = 4,
                             .segment_bytes = 8u << 20,
                             .reserve_bytes = 0,
                             .tail_cache_bytes = 8u << 20},
                            disk));
}

TEST_CASE("the journal keeps the promises of a log when it reads from files and changes segments") {
    tests::TempDirectory directory;
    ShrinkingDisk disk;
    run_all(embedded_engine({.directory = directory.path(),
                             .partitions = 4,
                             .segment_bytes = 5u << 20,
                             .reserve_bytes = 0,
                             .tail_cache_bytes = 0},
                            disk));
}

TEST_CASE("the journal accepts again once one and a half times the reserve is free") {
    tests::TempDirectory directory;
    ShrinkingDisk disk;
    disk.capacity = 100u << 20;
    auto log = open_journal({.directory = directory.path(),
                             .partitions = 4,
                             .segment_bytes = 1u << 20,
                             .reserve_bytes = 10u << 20,
                             .space_check_interval = 2ms,
                             .files = &disk});
    const auto wait_until_accepting = [&](bool accepting) {
        for (int i = 0; i < 1000 && log->status().accepting != accepting; ++i)
            std::this_thread::sleep_for(2ms);
        return log->status().accepting == accepting;
    };
    const Appended first = must_append(*log, copy_of(1, 1, 0s), 5s);
    disk.capacity = disk.used + (9u << 20);
    REQUIRE(wait_until_accepting(false));
    CHECK(append_and_wait(*log, copy_of(2, 2, 0s), 5s).error().code == ErrorCode::unavailable);
    const Appended copy = must_append(*log, copy_of(1, 3, 0s), 5s);
    CHECK_MESSAGE(copy.address == first.address, "copies need no room");
    CHECK(log->read_at(first.address).has_value());

    disk.capacity = disk.used + (14u << 20);
    std::this_thread::sleep_for(30ms);
    CHECK_FALSE(log->status().accepting);
    disk.capacity = disk.used + (16u << 20);
    REQUIRE(wait_until_accepting(true));
    CHECK_FALSE(must_append(*log, copy_of(2, 4, 0s), 5s).duplicate);
}

TEST_CASE("of many segments few are asked for a key, and all that they know is known") {
    constexpr std::uint64_t keys = 800;
    constexpr std::size_t segments_min = 150;
    constexpr std::size_t sources_max = 25;  // 2 groups of 64, at most 7 of 8, 7 alone, the newest
    const tests::TempDirectory directory;
    ToldClock clock{first_time};
    std::vector<Address> first(1);
    std::uint64_t unknown = keys;
    for (const bool is_new : {true, false}) {
        CAPTURE(is_new);
        auto opened = Journal::open(tiny_segments(directory.path(), clock));
        REQUIRE(opened);
        Journal& journal = **opened;
        for (std::uint64_t key = 1; is_new && key <= keys; ++key)
            first.push_back(must_append(journal, sixth_of_segment(key), 5s).address);
        REQUIRE(std::filesystem::exists(directory.path() /
                                        bus::embedded::segment_file_name(segments_min)));
        // Groups are made behind the caller's back, and counted when a key is looked up.
        const auto give_up = std::chrono::steady_clock::now() + 10s;
        while (journal.stats().key_sources > sources_max &&
               std::chrono::steady_clock::now() < give_up) {
            ++unknown;
            CHECK_FALSE(must_append(journal, copy_of(unknown, unknown, 0s), 5s).duplicate);
        }
        CHECK(journal.stats().key_sources <= sources_max);
        for (std::uint64_t key = 1; key <= keys; ++key) {
            const Appended copy = must_append(journal, copy_of(key, key, 1s), 5s);
            CHECK(copy.duplicate);
            CHECK(copy.address == first[key]);
        }
    }
}

TEST_CASE("segments whose windows are over are not asked for a key") {
    constexpr std::uint64_t keys = 100;
    const tests::TempDirectory directory;
    ToldClock then{first_time};
    {
        const auto journal = Journal::open(tiny_segments(directory.path(), then));
        REQUIRE(journal);
        for (std::uint64_t key = 1; key <= keys; ++key)
            must_append(**journal, sixth_of_segment(key), 5s);
        CHECK((*journal)->stats().key_sources > 2);
    }
    ToldClock later{first_time + 61s};
    const auto journal = Journal::open(tiny_segments(directory.path(), later));
    REQUIRE(journal);
    CHECK_FALSE(must_append(**journal, copy_of(1, 1, 61s), 5s).duplicate);
    CHECK((*journal)->stats().key_sources <= 2);  // the newest, and one that waits for its footer
}

TEST_CASE("what segments know of keys leaves memory when their windows are over") {
    constexpr std::uint64_t keys = 34;  // too few segments for groups of them
    constexpr std::size_t segments_min = 4, kept_max = 3;
    const tests::TempDirectory directory;
    ToldClock clock{first_time};
    const auto journal = Journal::open(tiny_segments(directory.path(), clock));
    REQUIRE(journal);
    std::uint64_t key = 0;
    while (key < keys) must_append(**journal, sixth_of_segment(++key), 5s);
    const auto kept = [&] { return (*journal)->stats().filters_of_one; };
    const auto kept_comes_to = [&](auto is_right, seconds since) {
        const auto give_up = std::chrono::steady_clock::now() + 10s;
        while (!is_right(kept()) && std::chrono::steady_clock::now() < give_up) {
            ++key;
            must_append(**journal, copy_of(key, key, since), 5s);
        }
        return is_right(kept());
    };
    CHECK(kept_comes_to([](std::size_t n) { return n >= segments_min; }, 0s));
    clock.move_on(3'600s);
    for (int i = 0; i < 12; ++i) {
        NewRecord later = sixth_of_segment(++key);
        later.ingest_time += 3'600s;
        must_append(**journal, std::move(later), 5s);
    }
    CHECK(kept_comes_to([](std::size_t n) { return n <= kept_max; }, 3'600s));
    CHECK(must_append(**journal, copy_of(1, 1, 1s), 5s).duplicate);
}

namespace {

// A journal of many segments, one of which is then damaged.
struct ManySegments {
    static constexpr std::uint64_t keys = 200;
    static constexpr std::size_t segments_min = 34;
    static constexpr std::uint64_t damaged = 9;

    tests::TempDirectory directory;
    ToldClock clock{first_time};
    const std::filesystem::path file = directory.path() / bus::embedded::segment_file_name(damaged);
    bus::embedded::SegmentTrailer trailer;
    std::unique_ptr<Journal> journal;

    ManySegments() {
        open();
        for (std::uint64_t key = 1; key <= keys; ++key)
            must_append(*journal, sixth_of_segment(key), 5s);
        REQUIRE(std::filesystem::exists(directory.path() /
                                        bus::embedded::segment_file_name(segments_min)));
        REQUIRE(tests::becomes_sealed(file));
        journal.reset();
        const std::string all = bytes();
        trailer = bus::embedded::load<bus::embedded::SegmentTrailer>(all.data() + all.size() -
                                                                     sizeof trailer);
    }
    void open() {
        auto opened = Journal::open(tiny_segments(directory.path(), clock));
        REQUIRE(opened);
        journal = *std::move(opened);
    }
    std::string bytes() const {
        std::ifstream in(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    void damage(std::uint64_t at) const {
        std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
        stream.seekp(static_cast<std::streamoff>(at));
        stream.put('x').put('y').flush();
        REQUIRE(stream);
    }
    // Of the few keys that none has seen, the first has the groups made.
    bool comes_to_ask_only(std::size_t sources) {
        return tests::eventually([&, unknown = keys]() mutable {
            ++unknown;
            must_append(*journal, copy_of(unknown, unknown, 0s), 5s);
            return journal->stats().key_sources <= sources;
        });
    }
};

}  // namespace

TEST_CASE("a damaged table of keys is made again by the keeper, and its segment joins a group") {
    ManySegments many;
    const std::string whole = many.bytes();
    many.damage(many.trailer.dedup_at);
    REQUIRE(many.bytes() != whole);
    many.open();
    constexpr std::size_t sources_max = 13;  // 4 groups of 8, at most 8 alone, the newest
    CHECK(many.comes_to_ask_only(sources_max));
    CHECK_MESSAGE(many.bytes() == whole, "nobody asked for a key of it");
    for (std::uint64_t key = 1; key <= ManySegments::keys; ++key)
        CHECK(must_append(*many.journal, copy_of(key, key, 1s), 5s).duplicate);
}

TEST_CASE("a damaged table of keys hides no copy, whoever makes it again first") {
    ManySegments many;
    many.damage(many.trailer.dedup_at);
    many.open();
    for (int round = 0; round < 2; ++round)
        for (std::uint64_t key = 1; key <= ManySegments::keys; ++key)
            CHECK(must_append(*many.journal, copy_of(key, key, 1s), 5s).duplicate);
}

TEST_CASE("a segment whose keys are lost stays out of the groups, and the others are grouped") {
    ManySegments many;
    many.damage(many.trailer.dedup_at);
    many.damage(many.trailer.dedup_at / 2);  // in a body
    const std::string damaged = many.bytes();
    many.open();
    constexpr std::size_t sources_max = 20;  // as above, and 7 more alone
    CHECK(many.comes_to_ask_only(sources_max));
    CHECK(many.bytes() == damaged);
}

TEST_CASE("a sealed segment knows copies by their time, whatever the time is now") {
    constexpr std::size_t segment_bytes = 1u << 20;
    for (const seconds since : {0s, 30s, 3'600s, 365 * 24 * 3'600s}) {
        CAPTURE(since.count());
        tests::TempDirectory directory;
        ToldClock clock{first_time + since};
        auto log = open_journal({.directory = directory.path(),
                                 .partitions = 4,
                                 .segment_bytes = segment_bytes,
                                 .reserve_bytes = 0,
                                 .tail_cache_bytes = 0,
                                 .clock = &clock});
        const Appended first = must_append(*log, copy_of(1, 1, 0s), 5s);
        for (std::uint64_t i = 2; i < 9; ++i) {
            NewRecord large = copy_of(i, i, 0s);
            large.value.assign(segment_bytes / 5, 'b');
            must_append(*log, std::move(large), 5s);
        }
        const auto segment = directory.path() / bus::embedded::segment_file_name(1);
        REQUIRE(tests::becomes_sealed(segment));
        must_append(*log, copy_of(9, 9, 0s), 5s);
        const Appended copy = must_append(*log, copy_of(1, 10, 59s), 5s);
        CHECK(copy.duplicate);
        CHECK(copy.address == first.address);
        CHECK_FALSE(must_append(*log, copy_of(1, 11, 60s), 5s).duplicate);
    }
}

namespace {

constexpr std::uint64_t refused_segment = 9;

// Refuses what ends at that segment's end, which is its footer's trailer, for as long as it is
// told.
class OneFooterRefused final : public tests::ForwardingDisk {
public:
    OneFooterRefused() : ForwardingDisk(bus::embedded::real_files()) {}
    bus::Result<std::unique_ptr<bus::embedded::File>> open(const Path& path) override {
        auto file = ForwardingDisk::open(path);
        if (!file || path.filename() != bus::embedded::segment_file_name(refused_segment))
            return file;
        return std::unique_ptr<bus::embedded::File>(new RefusingFile(*std::move(file), refuses));
    }
    std::atomic<bool> refuses{true};

private:
    class RefusingFile final : public bus::embedded::File {
    public:
        RefusingFile(std::unique_ptr<File> file, const std::atomic<bool>& refuses)
            : file_(std::move(file)), refuses_(refuses) {}
        bus::Result<bus::Done> write_at(std::uint64_t offset, std::string_view bytes) override {
            if (refuses_ && offset + bytes.size() == size())
                return bus::fail(bus::ErrorCode::unavailable, "an error of the disk");
            return file_->write_at(offset, bytes);
        }
        bus::Result<bus::Done> sync() override { return file_->sync(); }
        bus::Result<std::size_t> read_at(std::uint64_t offset, char* into,
                                         std::size_t bytes) override {
            return file_->read_at(offset, into, bytes);
        }
        std::uint64_t size() const override { return file_->size(); }

    private:
        const std::unique_ptr<File> file_;
        const std::atomic<bool>& refuses_;
    };
};

}  // namespace

TEST_CASE("a footer that the disk refuses holds up no other, and is written when it may be") {
    constexpr std::uint64_t keys = 200;
    constexpr std::size_t sources_max = 13;  // 4 groups of 8, at most 8 alone, the newest
    const tests::TempDirectory directory;
    const auto file_of = [&](std::uint64_t segment) {
        return directory.path() / bus::embedded::segment_file_name(segment);
    };
    ToldClock clock{first_time};
    OneFooterRefused disk;
    JournalOptions options = tiny_segments(directory.path(), clock);
    options.files = &disk;
    options.space_check_interval = 5ms;
    const auto journal = Journal::open(options);
    REQUIRE(journal);
    for (std::uint64_t key = 1; key <= keys; ++key)
        must_append(**journal, sixth_of_segment(key), 5s);
    REQUIRE(tests::becomes_sealed(file_of(refused_segment + 20)));
    CHECK_FALSE(tests::is_sealed(file_of(refused_segment)));
    disk.refuses = false;
    REQUIRE(tests::becomes_sealed(file_of(refused_segment)));
    std::uint64_t unknown = keys;
    CHECK(tests::eventually(
        [&] {
            ++unknown;
            must_append(**journal, copy_of(unknown, unknown, 0s), 5s);
            return (*journal)->stats().key_sources <= sources_max;
        },
        10s));
    for (std::uint64_t key = 1; key <= keys; ++key)
        CHECK(must_append(**journal, copy_of(key, key, 1s), 5s).duplicate);
}
