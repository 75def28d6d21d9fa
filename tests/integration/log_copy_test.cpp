// A copy of a log never holds a body that the log itself has lost.
#include "tools/migrate/log_copy.hpp"
#include "bus/embedded/journal.hpp"
#include "bus/envelope.hpp"
#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

namespace {

using tests::TempDirectory;
using tools::migrate::LogCopy;

constexpr bus::milliseconds append_wait_max{10'000};
const bus::Address erased_later{bus::Topic::chat, 1, 3};

struct Watched final : tools::jobs::JobRun {
    void phase(std::string_view, std::uint64_t, std::string_view) override {}
    void advance(std::uint64_t) override {}
    bool go_on() override { return true; }
};

std::unique_ptr<bus::embedded::Journal> open_journal(const std::filesystem::path& directory) {
    auto journal =
        bus::embedded::Journal::open({.directory = directory, .partitions = 2, .reserve_bytes = 0});
    REQUIRE(journal);
    return *std::move(journal);
}

struct TwoLogs {
    TwoLogs() {
        for (int i = 0; i < 8; ++i) {
            bus::NewRecord record;
            record.topic = erased_later.topic;
            record.partition = erased_later.partition;
            record.key = "somebody";
            record.headers.add(bus::header::id, fmt::format("id{}", i));
            record.value = fmt::format("body {}", i);
            REQUIRE(bus::append_and_wait(*from, std::move(record), append_wait_max));
        }
    }
    TempDirectory folder;
    std::unique_ptr<bus::embedded::Journal> from = open_journal(folder.path() / "from"),
                                            to = open_journal(folder.path() / "to");
    Watched run;

    void erase() { REQUIRE(from->erase(std::vector{erased_later})); }
    bus::Result<bus::Done> copy_and_compare(LogCopy& copy) {
        if (auto copied = copy.copy(run); !copied) return copied;
        return copy.compare(run);
    }
};

void check_conflict(const bus::Result<bus::Done>& result, const std::string& word) {
    REQUIRE_FALSE(result);
    CHECK(result.error().code == bus::ErrorCode::conflict);
    CHECK_MESSAGE(result.error().message.find(word) != std::string::npos, result.error().message);
}

}  // namespace

TEST_CASE("log copy: two logs end the same when all was copied and compared") {
    TwoLogs logs;
    logs.erase();
    LogCopy copy(*logs.from, *logs.to);
    REQUIRE(copy.begin());
    REQUIRE(logs.copy_and_compare(copy));
    CHECK(copy.check_same_ends());
    CHECK(logs.to->read_at(erased_later)->erased);
}

TEST_CASE("log copy: a body erased behind what was compared is not carried over") {
    TwoLogs logs;
    LogCopy copy(*logs.from, *logs.to);
    REQUIRE(copy.begin());
    REQUIRE(logs.copy_and_compare(copy));
    logs.erase();
    REQUIRE(logs.copy_and_compare(copy));
    check_conflict(copy.check_same_ends(), "again");
    // Again, the copy is seen to hold what must be gone.
    LogCopy again(*logs.from, *logs.to);
    REQUIRE(again.begin());
    check_conflict(logs.copy_and_compare(again), "--kafka-prefix");
}

TEST_CASE("log copy: a body erased between copy and comparison is told with what to do") {
    TwoLogs logs;
    LogCopy copy(*logs.from, *logs.to);
    REQUIRE(copy.begin());
    REQUIRE(copy.copy(logs.run));
    logs.erase();
    check_conflict(copy.compare(logs.run), "chat/1/3");
}
