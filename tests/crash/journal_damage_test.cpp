#include "bus/crc32c.hpp"
#include "bus/embedded/journal.hpp"
#include "bus/embedded/journal_dump.hpp"
#include "bus/embedded/journal_survey.hpp"
#include "bus/embedded/segment_footer.hpp"
#include "bus/embedded/segment_reader.hpp"
#include "tests/crash/written_journal.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/files_holding.hpp"

#include <doctest/doctest.h>

#include <fstream>

using namespace bus;
using namespace bus::embedded;
using namespace std::chrono_literals;
using namespace tests::crash;

namespace {
const std::size_t slot_count = Slots(partitions).count();
}

TEST_CASE("both CRC-32C implementations give the known check value") {
    CHECK(crc32c("123456789") == 0xE3069283u);
    CHECK(crc32c_portable("123456789") == 0xE3069283u);
    std::string bytes(1000, 'x');
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7);
    for (std::size_t n = 0; n < 70; ++n)
        CHECK(crc32c(bytes.substr(n, 900)) == crc32c_portable(bytes.substr(n, 900)));
}

TEST_CASE("an undamaged journal is whole") {
    Written().check_whole();
}

TEST_CASE("damage in an earlier frame of the last segment: corrupt, nothing is cut") {
    Written written;
    const auto frames = written.frames_of(written.last);
    REQUIRE(frames.size() > 3);
    SUBCASE("its magic") {
        written.flip(written.last, frames[1]);
    }
    SUBCASE("its length") {
        written.flip(written.last, frames[1] + 24);
    }
    SUBCASE("its chain") {
        written.flip(written.last, frames[1] + 40);
    }
    SUBCASE("a record's header") {
        written.flip(written.last, frames[1] + 64 + 20);
    }
    SUBCASE("a body") {
        written.flip(written.last, frames[2] - 100);
    }
    written.check_refused(ErrorCode::corrupt);
}

TEST_CASE("damage in the last frame: it is cut, what came before is there, writing goes on") {
    Written written;
    const auto frames = written.frames_of(written.last);
    SUBCASE("its header") {
        written.flip(written.last, frames.back() + 30);
    }
    SUBCASE("a body") {
        written.flip(written.last, frames.back() + 64 + 300);
    }
    for (int opening = 0; opening < 2; ++opening) {
        auto journal = written.open();
        REQUIRE_MESSAGE(journal.has_value(), (journal ? "" : journal.error().message));
        auto verdict = compare(**journal, written.acknowledged);
        REQUIRE(verdict.has_value());
        CHECK(verdict->lost == (opening == 0 ? 1 : 0));
        CHECK(verdict->records == (opening == 0 ? 199 : 200));
        auto again = append_and_wait(**journal, numbered_record(199, partitions), 5s);
        REQUIRE(again.has_value());
        CHECK(again->duplicate == (opening == 1));
    }
}

TEST_CASE("damage in a sealed segment is told where it is read, and other records are served") {
    Written written;
    const auto frames = written.frames_of(1);
    SUBCASE("a body") {
        written.flip(1, frames[3] - 100);
    }
    SUBCASE("a record's header") {
        written.flip(1, frames[2] + 64 + 20);
    }
    auto journal = written.open();
    REQUIRE(journal.has_value());
    std::size_t corrupt = 0;
    for (const auto& [number, address] : written.acknowledged) {
        auto record = (*journal)->read_at(address);
        if (!record && record.error().code == ErrorCode::corrupt)
            ++corrupt;
        else
            CHECK(record.has_value());
    }
    CHECK(corrupt == 1);
    auto verdict = compare(**journal, written.acknowledged);
    REQUIRE_FALSE(verdict.has_value());
    CHECK(verdict.error().code == ErrorCode::corrupt);
    CHECK(dump_segment(written.file(1), {}, [](std::string_view) {}).error().code ==
          ErrorCode::corrupt);
}

TEST_CASE("a damaged footer is made again from the frames") {
    Written written;
    const SegmentTrailer trailer = written.trailer_of(1);
    SUBCASE("trailer") {
        written.flip(1, (128u << 10) - 20);
    }
    SUBCASE("counts") {
        written.flip(1, trailer.head_at + 9);
    }
    SUBCASE("fences") {
        written.flip(1, trailer.head_at + slot_count * sizeof(std::uint64_t) + 3);
    }
    SUBCASE("filter") {
        written.flip(1, trailer.head_at + trailer.head_bytes - 3);
    }
    SUBCASE("places") {
        written.flip(1, trailer.places_at + 9);
    }
    SUBCASE("dedup table") {
        written.flip(1, trailer.dedup_at + 9);
    }
    SUBCASE("a key of the dedup table's second half") {
        written.flip(1, trailer.dedup_at + trailer.dedup_count / 2 * sizeof(DedupEntry));
    }
    written.check_whole();
    written.check_whole();
}

TEST_CASE("what a sealed segment tells of keys is read when a key is first asked for") {
    Written written;
    const SegmentTrailer trailer = written.trailer_of(1);
    const std::string whole = written.bytes(1);
    written.flip(1, trailer.head_at + trailer.head_bytes - 3);
    const std::string damaged = written.bytes(1);
    REQUIRE(damaged != whole);
    REQUIRE(written.open().has_value());
    CHECK_MESSAGE(written.bytes(1) == damaged, "a start asks for no key");
    {
        auto journal = written.open();
        REQUIRE(journal.has_value());
        REQUIRE(append_and_wait(**journal, numbered_record(200, partitions), 5s).has_value());
        CHECK(tests::eventually([&] { return written.bytes(1) != damaged; }));
    }
    CHECK_MESSAGE(written.bytes(1) == whole, "it is made again from the frames");
}

TEST_CASE("a damaged segment header is corrupt wherever it stands") {
    Written written;
    SUBCASE("first") {
        written.flip(1, 50);
    }
    SUBCASE("middle") {
        written.flip(2, 50);
    }
    SUBCASE("last") {
        written.flip(written.last, 50);
    }
    SUBCASE("the ends it names") {
        written.flip(written.last, sizeof(SegmentHeader) + 3);
    }
    written.check_refused(ErrorCode::corrupt);
}

TEST_CASE("an only segment whose beginning reads as zeros is corrupt, not unused") {
    constexpr std::uint64_t lost_bytes = 64u << 10;
    const tests::TempDirectory directory;
    const auto file = directory.path() / segment_file_name(1);
    const auto bytes = [&] {
        std::ifstream in(file, std::ios::binary);
        return std::string{std::istreambuf_iterator<char>(in), {}};
    };
    {
        auto journal = Journal::open(options_in(directory.path()));
        REQUIRE(journal.has_value());
        for (std::uint64_t number = 0; number < 60; ++number)
            REQUIRE(append_and_wait(**journal, numbered_record(number, partitions), 5s));
    }
    {
        std::fstream stream(file, std::ios::binary | std::ios::in | std::ios::out);
        stream << std::string(lost_bytes, '\0');
    }
    const std::string before = bytes();
    REQUIRE(before.find_first_not_of('\0') != std::string::npos);
    auto journal = Journal::open(options_in(directory.path()));
    REQUIRE_FALSE(journal.has_value());
    CHECK(journal.error().code == ErrorCode::corrupt);
    CHECK_MESSAGE(bytes() == before, "nothing was changed");
}

TEST_CASE("a middle segment whose beginning reads as zeros is corrupt, and stays") {
    constexpr std::uint64_t lost_bytes = 5u << 20;
    const tests::TempDirectory directory;
    JournalOptions options = options_in(directory.path());
    options.segment_bytes = 8u << 20;
    const auto file = [&](std::uint64_t id) { return directory.path() / segment_file_name(id); };
    {
        auto journal = Journal::open(options);
        REQUIRE(journal.has_value());
        for (std::uint64_t number = 0; number < 20; ++number) {
            NewRecord record = numbered_record(number, partitions);
            record.value.assign(1u << 20, 'b');
            REQUIRE(append_and_wait(**journal, std::move(record), 5s));
        }
        REQUIRE(tests::becomes_sealed(file(2)));
    }
    {
        std::fstream stream(file(2), std::ios::binary | std::ios::in | std::ios::out);
        stream << std::string(lost_bytes, '\0');
    }
    const std::string before = tests::bytes_of(file(2));
    auto journal = Journal::open(options);
    REQUIRE_FALSE(journal.has_value());
    CHECK(journal.error().code == ErrorCode::corrupt);
    CHECK_MESSAGE(tests::bytes_of(file(2)) == before, "nothing was changed");
}

TEST_CASE("a missing segment is corrupt") {
    Written written;
    SUBCASE("the first") {
        std::filesystem::remove(written.file(1));
    }
    SUBCASE("in the middle") {
        std::filesystem::remove(written.file(2));
    }
    SUBCASE("the last") {
        std::filesystem::remove(written.file(written.last));
        written.last -= 1;
    }
    written.check_refused(ErrorCode::corrupt);
}

TEST_CASE("segments that are all missing but the prepared one are not a journal that begins") {
    Written written;
    for (std::uint64_t id = 1; id <= written.last; ++id) std::filesystem::remove(written.file(id));
    REQUIRE(std::filesystem::exists(written.file(written.last + 1)));
    const auto journal = written.open();
    REQUIRE_FALSE(journal.has_value());
    CHECK(journal.error().code == ErrorCode::corrupt);
    CHECK_FALSE(std::filesystem::exists(written.file(1)));
}

TEST_CASE("another format version is refused by name") {
    Written written;
    written.flip(written.last, 8);
    auto journal = written.open();
    REQUIRE_FALSE(journal.has_value());
    CHECK(journal.error().code == ErrorCode::invalid_input);
    CHECK(journal.error().message.find("version 17") != std::string::npos);
    CHECK(journal.error().message.find("version 1") != std::string::npos);
}

TEST_CASE("a journal belongs to one process and keeps its number of partitions") {
    Written written;
    auto first = written.open();
    REQUIRE(first.has_value());
    CHECK(written.open().error().code == ErrorCode::conflict);
    first->reset();
    JournalOptions other = options_in(written.path());
    other.partitions = 3;
    CHECK(Journal::open(other).error().code == ErrorCode::conflict);
}

TEST_CASE("a journal whose header is longer than that of the partitions asked for keeps them") {
    const tests::TempDirectory directory;
    auto options = options_in(directory.path());
    options.partitions = 200;
    REQUIRE(header_bytes_for(Slots(options.partitions)) > header_bytes_for(Slots(1)));
    REQUIRE(Journal::open(options).has_value());
    auto fewer = options;
    fewer.partitions = 1;
    CHECK(Journal::open(fewer).error().code == ErrorCode::conflict);
    CHECK(Journal::open(options).has_value());
}

TEST_CASE("a dump shows every frame and record of a segment") {
    Written written;
    std::size_t frames = 0, records = 0;
    auto dumped = dump_segment(written.file(1), {}, [&](std::string_view line) {
        if (line.starts_with("frame ")) ++frames;
        if (line.starts_with("record ")) ++records;
        CHECK(line.find("bbbb") == std::string_view::npos);
    });
    CHECK(dumped.has_value());
    CHECK(frames == written.frames_of(1).size());
    CHECK(records >= frames);
}

// The fixture was written by version 1 and must stay readable for ever.
TEST_CASE("the golden journal of format version 1 opens and holds its records") {
    tests::TempDirectory directory;
    std::filesystem::copy(JOURNAL_GOLDEN, directory.path());
    JournalOptions options = options_in(directory.path());
    options.segment_bytes = 64u << 10;
    auto journal = Journal::open(options);
    REQUIRE_MESSAGE(journal.has_value(), (journal ? "" : journal.error().message));
    Acknowledged expected;
    std::array<std::array<Offset, partitions>, 3> next{};
    for (std::uint64_t number = 0; number < 12; ++number) {
        const NewRecord record = numbered_record(number, partitions);
        expected.emplace(number, Address{record.topic, record.partition,
                                         next[index(record.topic)][record.partition]++});
    }
    auto verdict = compare(**journal, expected);
    REQUIRE_MESSAGE(verdict.has_value(), (verdict ? "" : verdict.error().message));
    CHECK(verdict->clean());
    CHECK(verdict->records == 12);
    CHECK(append_and_wait(**journal, numbered_record(5, partitions), 5s)->duplicate);
}

TEST_CASE("a survey passes over no segment that it cannot open, or that is not there") {
    const Written written;
    const std::filesystem::path segment = written.file(2);
    std::filesystem::rename(segment, written.path() / "away");
    const auto without = survey_journal(written.path());
    REQUIRE_FALSE(without.has_value());
    CHECK_MESSAGE(without.error().code == ErrorCode::corrupt, without.error().message);
    CHECK(without.error().message.find(written.file(1).string()) != std::string::npos);
    std::filesystem::create_symlink(segment, segment);
    const auto unreadable = survey_journal(written.path());
    REQUIRE_FALSE(unreadable.has_value());
    CHECK_MESSAGE(unreadable.error().code == ErrorCode::unavailable, unreadable.error().message);
    std::filesystem::rename(written.path() / "away", segment);
    CHECK(survey_journal(written.path()).has_value());
}
