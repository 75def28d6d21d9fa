#include "tests/support/short_calls.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>

namespace {

std::atomic<bool> short_now{false};

std::atomic<std::size_t> halves{0};

std::size_t taken(std::size_t bytes) {
    if (!short_now || bytes < 2) return bytes;
    ++halves;
    return bytes / 2;
}

}  // namespace

extern "C" ssize_t read(int file, void* into, std::size_t bytes) {
    return ::syscall(SYS_read, file, into, taken(bytes));
}

// What fortified calls become.
// NOLINTNEXTLINE(bugprone-reserved-identifier)
extern "C" ssize_t __read_chk(int file, void* into, std::size_t bytes, std::size_t room) {
    if (bytes > room) std::abort();
    return read(file, into, bytes);
}

extern "C" ssize_t pwrite(int file, const void* from, std::size_t bytes, off_t at) {
    return ::syscall(SYS_pwrite64, file, from, taken(bytes), at);
}

namespace tests {

ShortCalls::ShortCalls() {
    halves = 0;
    short_now = true;
}

ShortCalls::~ShortCalls() {
    short_now = false;
}

std::size_t ShortCalls::count() const {
    return halves;
}

}  // namespace tests
