#include "tests/support/short_calls.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

namespace {

std::atomic<bool> short_now{false};

std::size_t taken(std::size_t bytes) {
    return short_now && bytes > 1 ? bytes / 2 : bytes;
}

}  // namespace

extern "C" ssize_t read(int file, void* into, std::size_t bytes) {
    return ::syscall(SYS_read, file, into, taken(bytes));
}

extern "C" ssize_t pwrite(int file, const void* from, std::size_t bytes, off_t at) {
    return ::syscall(SYS_pwrite64, file, from, taken(bytes), at);
}

namespace tests {

ShortCalls::ShortCalls() {
    short_now = true;
}

ShortCalls::~ShortCalls() {
    short_now = false;
}

}  // namespace tests
