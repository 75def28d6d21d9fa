#include "tests/crash/acknowledged.hpp"
#include "tests/crash/journal_crash_child.hpp"
#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <random>
#include <thread>

using namespace bus;
using namespace std::chrono_literals;
using tests::crash::AckLine;

namespace {

int kills_wanted() {
    const char* text = std::getenv("TRIBUTARY_KILLS");
    return text ? std::atoi(text) : 10;
}

// Runs the child until it is killed; returns what it acknowledged.
std::vector<AckLine> run_and_kill(const std::filesystem::path& directory, std::uint64_t first,
                                  std::chrono::milliseconds life) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const std::string number = std::to_string(first);
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(ends[1], STDOUT_FILENO);
        ::close(ends[0]);
        ::close(ends[1]);
        ::execl(JOURNAL_CRASH_CHILD, JOURNAL_CRASH_CHILD, directory.c_str(), number.c_str(),
                nullptr);
        ::_exit(127);
    }
    REQUIRE(child > 0);
    ::close(ends[1]);
    std::vector<AckLine> lines;
    std::thread killer;
    AckLine line;
    // A line may come in pieces only if the child died inside write(), which does not split it.
    while (::read(ends[0], &line, sizeof line) == sizeof line) {
        if (lines.empty())
            killer = std::thread([=] {
                std::this_thread::sleep_for(life);
                ::kill(child, SIGKILL);
            });
        lines.push_back(line);
    }
    if (killer.joinable()) killer.join();
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status));
    return lines;
}

}  // namespace

TEST_CASE("kill -9 under load loses nothing acknowledged, doubles nothing, keeps the order") {
    tests::TempDirectory directory;
    std::random_device device;
    const unsigned seed = device();
    MESSAGE("seed ", seed);
    std::mt19937 random(seed);
    tests::crash::Acknowledged acknowledged;
    std::uint64_t next = 0;
    for (int kill = 0; kill < kills_wanted(); ++kill) {
        CAPTURE(kill);
        const auto lines =
            run_and_kill(directory.path(), next, std::chrono::milliseconds(5 + random() % 250));
        REQUIRE_FALSE(lines.empty());
        for (const AckLine& line : lines)
            acknowledged.emplace(line.number,
                                 Address{topic_at(line.topic), line.partition, line.offset});
        next = lines.back().number + 1'000;  // past all that was in flight

        auto journal = embedded::Journal::open(tests::crash::child_options(directory.path()));
        REQUIRE_MESSAGE(journal.has_value(), (journal ? "" : journal.error().message));
        auto verdict = tests::crash::compare(**journal, acknowledged);
        REQUIRE_MESSAGE(verdict.has_value(), (verdict ? "" : verdict.error().message));
        CHECK(verdict->lost == 0);
        CHECK(verdict->doubled == 0);
        CHECK(verdict->out_of_order == 0);
        CHECK(verdict->changed == 0);
        auto copy = append_and_wait(**journal,
                                    tests::crash::numbered_record(lines.back().number, 4), 5'000ms);
        REQUIRE(copy.has_value());
        CHECK(copy->duplicate);
    }
    MESSAGE("acknowledged in all: ", acknowledged.size());
}
