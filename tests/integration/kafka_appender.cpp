// A process to be killed: appends numbered records to one topic partition, many at a time, and
// prints "ack NUMBER OFFSET" for each as soon as it is acknowledged.
#include "tests/support/kafka_records.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <thread>

namespace {

constexpr int outstanding_max = 64;

// One write per line, past all buffers: what was acknowledged must have left the process.
void print_ack(int number, const bus::Appended& appended) {
    const std::string line = fmt::format("ack {} {}\n", number, appended.address.offset);
    if (write(STDOUT_FILENO, line.data(), line.size()) < 0) std::_Exit(3);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    auto log = bus::kafka::KafkaLog::open(tests::kafka_options(argv[1], argv[2]));
    if (!log) {
        fmt::print(stderr, "{}\n", log.error().message);
        return 1;
    }
    std::atomic<int> outstanding{0};
    for (int number = std::atoi(argv[3]);; ++number) {
        while (outstanding >= outstanding_max) std::this_thread::yield();
        ++outstanding;
        auto record = tests::new_record(bus::Topic::chat, 1, std::to_string(number));
        record.value.resize(1500, ' ');
        (*log)->append(std::move(record), [&, number](const bus::Result<bus::Appended>& appended) {
            if (appended) print_ack(number, *appended);
            --outstanding;
        });
    }
}
