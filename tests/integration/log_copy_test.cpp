// A copy of a log never holds a body that the log itself has lost.
#include "tools/migrate/log_copy.hpp"
#include "bus/embedded/journal.hpp"
#include "bus/envelope.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/forwarding_log.hpp"
#include "tests/support/silent_log.hpp"
#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <mutex>
#include <thread>

namespace {

using tests::TempDirectory;
using tools::migrate::LogCopy;

constexpr bus::milliseconds append_wait_max{10'000};
const bus::Address erased_later{bus::Topic::chat, 1, 3};

struct Watched final : tools::jobs::JobRun {
    void phase(std::string_view, std::uint64_t, std::string_view) override {}
    void advance(std::uint64_t) override {}
    bool go_on() override { return left_to_go_on-- > 0; }
    int left_to_go_on = 1'000;
};

// Leaves its appends on their way, for as long as a test may take to see who waits for them.
class OwingLog final : public tests::ForwardingLog {
public:
    using ForwardingLog::ForwardingLog;
    ~OwingLog() override {
        if (answering_.joinable()) answering_.join();
    }
    void append(bus::NewRecord record, bus::AppendDone done) override {
        const std::lock_guard lock(mutex_);
        owed_.emplace_back(std::move(record), std::move(done));
        if (!answering_.joinable()) answering_ = std::thread([this] { answer_late(); });
    }
    void answer() {
        std::vector<std::pair<bus::NewRecord, bus::AppendDone>> owed;
        {
            const std::lock_guard lock(mutex_);
            owed.swap(owed_);
        }
        answers += owed.size();
        for (auto& [record, done] : owed) done(bus::fail(bus::ErrorCode::unavailable, "too late"));
    }
    std::atomic<std::size_t> answers{0};

private:
    void answer_late() {
        tests::eventually([this] { return answers > 0; }, std::chrono::seconds{10});
        answer();
    }

    std::mutex mutex_;
    std::vector<std::pair<bus::NewRecord, bus::AppendDone>> owed_;  // guarded by mutex_
    std::thread answering_;
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

TEST_CASE("log copy: who is told not to go on leaves what the target has not answered") {
    TwoLogs logs;
    for (const std::size_t in_flight_max : {std::size_t{3}, std::size_t{100}}) {
        OwingLog owing(*logs.to);
        {
            LogCopy copy(*logs.from, owing, {.records_in_flight_max = in_flight_max});
            REQUIRE(copy.begin());
            logs.run.left_to_go_on = 3;
            const auto copied = copy.copy(logs.run);
            REQUIRE_FALSE(copied);
            CHECK(copied.error().code == bus::ErrorCode::cancelled);
            CHECK(owing.answers == 0);
        }
        owing.answer();  // the copy is gone
    }
}

TEST_CASE("log copy: who is told not to go on waits no more for a source that gives nothing") {
    TwoLogs logs;
    tests::SilentLog silent(*logs.from);
    LogCopy copy(silent, *logs.to);
    REQUIRE(copy.begin());
    logs.run.left_to_go_on = 3;
    const auto copied = copy.copy(logs.run);
    REQUIRE_FALSE(copied);
    CHECK(copied.error().code == bus::ErrorCode::cancelled);
}
