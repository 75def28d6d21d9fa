// Appends numbered records until it is killed; writes each acknowledgement to standard output.
// journal_crash_child DIRECTORY FIRST_NUMBER
#include "tests/crash/journal_crash_child.hpp"
#include "bus/embedded/journal.hpp"
#include "tests/crash/acknowledged.hpp"

#include <unistd.h>

#include <atomic>
#include <thread>

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    auto journal = bus::embedded::Journal::open(tests::crash::child_options(argv[1]));
    if (!journal) {
        std::fprintf(stderr, "%s\n", journal.error().message.c_str());
        return 1;
    }
    const std::uint64_t first = std::stoull(argv[2]);
    std::atomic<std::uint64_t> answered{0};
    for (std::uint64_t number = first;; ++number) {
        while (number - first - answered > 100) std::this_thread::yield();
        (*journal)->append(tests::crash::numbered_record(number, (*journal)->partitions()),
                           [&, number](const bus::Result<bus::Appended>& result) {
                               ++answered;
                               if (!result) return;
                               const tests::crash::AckLine line{
                                   number, result->address.offset,
                                   static_cast<std::uint32_t>(result->address.topic),
                                   result->address.partition};
                               if (::write(STDOUT_FILENO, &line, sizeof line) != sizeof line)
                                   std::abort();
                           });
    }
}
