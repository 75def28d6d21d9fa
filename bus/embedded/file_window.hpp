// A piece of a file that moves forward: big reads for those who walk it.
#pragma once

#include "bus/embedded/file_ops.hpp"

#include <algorithm>

namespace bus::embedded {

inline constexpr std::size_t window_bytes = 4u << 20;

class FileWindow {
public:
    explicit FileWindow(File& file) : file_(file) {}

    // At least `bytes` bytes from `at`, fewer only where the file ends. Valid until the next call.
    Result<std::string_view> get(std::uint64_t at, std::size_t bytes) {
        if (at < at_ || at + bytes > at_ + filled_) {
            const std::size_t wanted = std::max(bytes, window_bytes);
            if (buffer_.size() < wanted) buffer_.resize(wanted);
            auto read = file_.read_at(at, buffer_.data(), wanted);
            if (!read) return read.error();
            at_ = at;
            filled_ = *read;
        }
        return std::string_view(buffer_).substr(at - at_, filled_ - (at - at_));
    }

private:
    File& file_;
    std::string buffer_;
    std::uint64_t at_ = 0;
    std::size_t filled_ = 0;
};

}  // namespace bus::embedded
