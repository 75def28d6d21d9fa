// read() and pwrite() take half of the bytes while one of these lives, as a kernel may: they are
// the program's own where short_calls.cpp is linked.
// Threads: any that read and write, one of these at a time.
#pragma once

#include <cstddef>

namespace tests {

class ShortCalls {
public:
    ShortCalls();
    ~ShortCalls();
    ShortCalls(const ShortCalls&) = delete;
    ShortCalls& operator=(const ShortCalls&) = delete;
    std::size_t count() const;  // of those that took half
};

}  // namespace tests
