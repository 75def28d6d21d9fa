#include "tests/support/kafka_records.hpp"
#include "tests/support/local_broker.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <map>
#include <random>
#include <sstream>
#include <thread>

using namespace std::chrono_literals;
using bus::Topic;
using tests::LocalBroker;

namespace {

constexpr int kills_default = 10;
constexpr int stride = 1'000'000;  // the numbers of one child start at a multiple of it
constexpr bus::PartitionId partition = 1;

int kills_wanted() {
    const char* text = std::getenv("TRIBUTARY_KILLS");
    return text ? std::atoi(text) : kills_default;
}

struct Child {
    pid_t pid = 0;
    int output = -1;
};

Child start_appender(const std::string& prefix, int first_number) {
    std::array<int, 2> ends{};
    REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);  // the broker must not hold them
    const std::string number = std::to_string(first_number);
    const std::string brokers = LocalBroker::instance().bootstrap();
    const pid_t pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execl(KAFKA_APPENDER, KAFKA_APPENDER, brokers.c_str(), prefix.c_str(), number.c_str(),
              nullptr);
        _exit(127);
    }
    close(ends[1]);
    return {pid, ends[0]};
}

// Reads until the child has acknowledged something, then on for `life`, kills it and reads the
// rest.
std::string run_and_kill(const Child& child, bus::milliseconds life) {
    std::string said;
    std::array<char, 65536> part{};
    auto kill_at = std::chrono::steady_clock::time_point::max();
    bool killed = false;
    for (ssize_t bytes = 0; (bytes = read(child.output, part.data(), part.size())) > 0;) {
        if (said.empty()) kill_at = std::chrono::steady_clock::now() + life;
        said.append(part.data(), static_cast<std::size_t>(bytes));
        if (!killed && std::chrono::steady_clock::now() >= kill_at) {
            killed = ::kill(child.pid, SIGKILL) == 0;
        }
    }
    close(child.output);
    int status = 0;
    waitpid(child.pid, &status, 0);
    CHECK(WIFSIGNALED(status));
    return said;
}

// Offset by number.
std::map<int, bus::Offset> acknowledged(const std::string& said) {
    std::map<int, bus::Offset> acks;
    std::istringstream lines(said);
    std::string line;
    while (std::getline(lines, line)) {
        int number = 0;
        unsigned long offset = 0;
        if (std::sscanf(line.c_str(), "ack %d %lu", &number, &offset) == 2) acks[number] = offset;
    }
    return acks;
}

// The numbers in the log, by offset.
std::vector<int> stored_numbers(bus::Log& log) {
    bus::Signal more;
    bus::ReaderOptions options{.partition = partition, .topics = {}, .from = {}, .signal = &more};
    options.topics.set(index(Topic::chat));
    auto reader = log.open_reader(options);
    REQUIRE(reader);
    const auto end = log.end_offset({Topic::chat, partition});
    REQUIRE(end);
    std::vector<int> numbers;
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (numbers.size() < *end && std::chrono::steady_clock::now() < deadline) {
        const auto seen = more.count();
        auto batch = (*reader)->poll(1000, 4 << 20);
        REQUIRE_MESSAGE(batch, batch.error().message);
        for (const auto& record : batch->records) {
            numbers.push_back(std::atoi(std::string(record.value).c_str()));
        }
        if (batch->empty()) more.wait(seen, 100ms);
    }
    REQUIRE(numbers.size() == *end);
    return numbers;
}

// None lost, none twice, in the order of appending.
void check_stored(const std::map<int, bus::Offset>& acks, const std::vector<int>& numbers) {
    for (const auto& [number, offset] : acks) {
        REQUIRE(offset < numbers.size());
        REQUIRE(numbers[offset] == number);
    }
    for (std::size_t i = 1; i < numbers.size(); ++i) REQUIRE(numbers[i] > numbers[i - 1]);
}

}  // namespace

TEST_CASE("kafka: kill -9 of the appending process loses nothing that was acknowledged") {
    const std::string prefix = LocalBroker::fresh_prefix();
    const unsigned seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random(seed);
    std::map<int, bus::Offset> acks;
    for (int kill = 1; kill <= kills_wanted(); ++kill) {
        const Child child = start_appender(prefix, kill * stride);
        const auto life = bus::milliseconds{random() % 500};
        const auto before = acks.size();
        acks.merge(acknowledged(run_and_kill(child, life)));
        CHECK(acks.size() > before);
    }
    auto log = bus::kafka::KafkaLog::open(
        tests::kafka_options(LocalBroker::instance().bootstrap(), prefix));
    REQUIRE_MESSAGE(log, log.error().message);
    check_stored(acks, stored_numbers(**log));
}

TEST_CASE("kafka: kill -9 of the broker loses nothing that was acknowledged") {
    const std::string prefix = LocalBroker::fresh_prefix();
    auto& broker = LocalBroker::instance();
    const Child child = start_appender(prefix, stride);
    std::thread crash([&] {
        std::this_thread::sleep_for(1500ms);
        broker.kill();
        broker.start();
    });
    const auto acks = acknowledged(run_and_kill(child, 9s));
    crash.join();
    auto log = bus::kafka::KafkaLog::open(tests::kafka_options(broker.bootstrap(), prefix));
    REQUIRE_MESSAGE(log, log.error().message);
    const auto numbers = stored_numbers(**log);
    CHECK(acks.size() > 100);
    for (const auto& [number, offset] : acks) {
        REQUIRE(offset < numbers.size());
        REQUIRE(numbers[offset] == number);
    }
}
