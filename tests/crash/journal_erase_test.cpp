#include "bus/embedded/journal_verifier.hpp"
#include "tests/conformance/log_conformance.hpp"
#include "tests/crash/marked_journal.hpp"
#include "tests/support/simulated_disk.hpp"
#include "tests/support/temp_directory.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

using namespace bus;
using namespace bus::embedded;
using namespace tests::crash;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view erased_marker = "person to be forgotten";
constexpr std::string_view kept_marker = "neighbour;neighbour";

void fill(Journal& journal) {
    for (std::uint64_t number = 0; number < marked_records; ++number) {
        NewRecord record = tests::conformance::record_of(topic_at(number % 4), 0, number + 1,
                                                         marked_value(number));
        const auto appended = append_and_wait(journal, std::move(record), 5s);
        REQUIRE(appended.has_value());
        REQUIRE(appended->address == marked_address(number));
    }
}

// Before: whole. After: gone. Neighbours: as they were, whatever happened.
void check_records(Journal& journal, bool all_gone) {
    for (std::uint64_t number = 0; number < marked_records; ++number) {
        const auto read = journal.read_at(marked_address(number));
        REQUIRE_MESSAGE(read.has_value(), (read ? "" : read.error().message));
        if (!is_chosen(number)) {
            CHECK_FALSE(read->erased);
            CHECK(read->value == marked_value(number));
        } else if (all_gone || read->erased) {
            CHECK(read->erased);
            CHECK(read->value.empty());
        } else {
            CHECK(read->value == marked_value(number));
        }
    }
}

std::size_t count(std::string_view bytes, std::string_view marker) {
    std::size_t found = 0;
    for (std::size_t at = bytes.find(marker); at != std::string_view::npos;
         at = bytes.find(marker, at + 1))
        ++found;
    return found;
}

std::size_t count_in_files(const std::filesystem::path& directory, std::string_view marker) {
    std::size_t found = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
        if (!entry.is_regular_file()) continue;
        std::ifstream in(entry.path(), std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(in), {}};
        found += count(bytes, marker);
    }
    return found;
}

int run_child(const std::filesystem::path& directory, const std::string& crash_at) {
    const pid_t child = ::fork();
    if (child == 0) {
        if (!crash_at.empty()) ::setenv("TRIBUTARY_CRASH_AT", crash_at.c_str(), 1);
        ::execl(JOURNAL_ERASE_CHILD, JOURNAL_ERASE_CHILD, directory.c_str(), nullptr);
        ::_exit(99);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("killed at any point of an erasure: before or after, and doing it again ends it") {
    for (const std::string at :
         {"journal.erase.marked", "journal.erase.marked:2", "journal.erase.zeroing",
          "journal.erase.zeroing:2", "journal.erase.synced", ""}) {
        CAPTURE(at);
        tests::TempDirectory directory;
        {
            auto journal = Journal::open(marked_options(directory.path()));
            REQUIRE(journal.has_value());
            fill(**journal);
        }
        REQUIRE(count_in_files(directory.path(), erased_marker) > 100);
        const std::size_t kept = count_in_files(directory.path(), kept_marker);
        CHECK(run_child(directory.path(), at) == (at.empty() ? 0 : -SIGKILL));
        if (at == "journal.erase.marked") {
            const auto proof = verify_folder(directory.path(), {});
            REQUIRE(proof.has_value());
            CHECK_MESSAGE(!proof->proven(), "an unfinished erasure is told");
            CHECK(proof->damage[0].what.find("erasure") != std::string::npos);
        }
        {
            auto journal = Journal::open(marked_options(directory.path()));
            REQUIRE_MESSAGE(journal.has_value(), (journal ? "" : journal.error().message));
            check_records(**journal, at.empty());
            const auto again = (*journal)->erase(chosen_addresses());
            REQUIRE(again.has_value());
            check_records(**journal, true);
            const auto proof = (*journal)->verify({});
            REQUIRE(proof.has_value());
            CHECK(proof->proven());
            CHECK(proof->erased == chosen_addresses().size());
        }
        CHECK(count_in_files(directory.path(), erased_marker) == 0);
        CHECK(count_in_files(directory.path(), kept_marker) == kept);
        auto journal = Journal::open(marked_options(directory.path()));
        REQUIRE(journal.has_value());
        check_records(**journal, true);
    }
}

TEST_CASE("the power goes at any call of an erasure: neighbours stay, doing it again ends it") {
    std::size_t cuts = 0;
    for (std::uint64_t nth = 1; nth < 200; nth += nth < 20 ? 1 : 7) {
        CAPTURE(nth);
        tests::SimulatedDisk disk(nth);
        JournalOptions options = marked_options("simulated");
        options.files = &disk;
        {
            auto journal = Journal::open(options);
            REQUIRE(journal.has_value());
            fill(**journal);
            disk.cut_at_call(nth);
            (void)(*journal)->erase(chosen_addresses());
            if (disk.is_off()) ++cuts;
            disk.cut();
        }
        disk.power_on();
        auto journal = Journal::open(options);
        REQUIRE_MESSAGE(journal.has_value(), (journal ? "" : journal.error().message));
        check_records(**journal, false);
        const auto again = (*journal)->erase(chosen_addresses());
        REQUIRE_MESSAGE(again.has_value(), (again ? "" : again.error().message));
        check_records(**journal, true);
        CHECK((*journal)->verify({})->proven());
    }
    CHECK(cuts > 20);
}

TEST_CASE("a write that fails during an erasure leaves a journal that goes on") {
    for (std::uint64_t nth = 1; nth < 60; nth += 6) {
        CAPTURE(nth);
        tests::SimulatedDisk disk(nth);
        JournalOptions options = marked_options("simulated");
        options.files = &disk;
        auto journal = Journal::open(options);
        REQUIRE(journal.has_value());
        fill(**journal);
        disk.fail_call(nth);
        const auto failed = (*journal)->erase(chosen_addresses());
        if (!failed) CHECK(failed.error().code == ErrorCode::unavailable);
        disk.heal();
        check_records(**journal, failed.has_value());
        const auto again = (*journal)->erase(chosen_addresses());
        REQUIRE_MESSAGE(again.has_value(), (again ? "" : again.error().message));
        check_records(**journal, true);
        auto appended = fail(ErrorCode::unavailable, "none yet");
        Result<Appended> result = appended;
        for (int i = 0; i < 100 && !result; ++i) {  // an abandoned segment is followed by the next
            result = append_and_wait(
                **journal, tests::conformance::record_of(Topic::web, 0, 5000, "after"), 5s);
            if (!result) std::this_thread::sleep_for(20ms);
        }
        CHECK(result.has_value());
        CHECK((*journal)->verify({})->proven());
    }
}
