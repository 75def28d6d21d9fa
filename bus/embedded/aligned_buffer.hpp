// Memory that direct I/O accepts: its address and size are multiples of a page.
#pragma once

#include "bus/result.hpp"

#include <cstdlib>
#include <cstring>
#include <memory>

namespace bus::embedded {

inline constexpr std::uint64_t page_bytes = 4096;

constexpr std::uint64_t page_floor(std::uint64_t n) {
    return n / page_bytes * page_bytes;
}
constexpr std::uint64_t page_ceil(std::uint64_t n) {
    return page_floor(n + page_bytes - 1);
}

class AlignedBuffer {
public:
    AlignedBuffer() = default;
    explicit AlignedBuffer(std::size_t bytes)
        : bytes_(page_ceil(bytes)),
          data_(static_cast<char*>(std::aligned_alloc(page_bytes, bytes_))) {
        BUS_ASSERT(data_ != nullptr, "out of memory");
    }
    static AlignedBuffer zeroed(std::size_t bytes) {
        AlignedBuffer buffer(bytes);
        std::memset(buffer.data(), 0, buffer.size());
        return buffer;
    }

    char* data() { return data_.get(); }
    const char* data() const { return data_.get(); }
    std::size_t size() const { return bytes_; }
    std::string_view view() const { return {data_.get(), bytes_}; }

private:
    struct Free {
        void operator()(char* memory) const { std::free(memory); }
    };
    std::size_t bytes_ = 0;
    std::unique_ptr<char, Free> data_;
};

}  // namespace bus::embedded
