#include "producers/edge/input_buffer.hpp"

#include "producers/edge/loop.hpp"

#include <cstring>

namespace producers::edge {

namespace {

// Larger ones go after their request: so much of each connection is half of buffer_bytes_max.
constexpr std::size_t buffer_bytes_kept = 16 * 1024;
constexpr std::size_t read_bytes_min = 1024;

}  // namespace

InputBuffer::~InputBuffer() {
    loop_.release_buffer(capacity_);
}

bool InputBuffer::make_room() {
    if (empty()) clear();
    if (capacity_ > buffer_bytes_kept && unread().size() + read_bytes_min <= buffer_bytes_first) {
        loop_.take_buffer(buffer_bytes_first);
        move_to(buffer_bytes_first);
    }
    if (capacity_ - end_ >= read_bytes_min) return true;
    if (begin_ > 0) {
        std::memmove(in_.get(), in_.get() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
        if (capacity_ - end_ >= read_bytes_min) return true;
    }
    const std::size_t larger = std::max(buffer_bytes_first, capacity_ * 2);
    if (capacity_ == 0)
        loop_.take_buffer(larger);
    else if (!loop_.reserve_buffer(larger))
        return false;
    move_to(larger);
    return true;
}

// Into a buffer of that size, which is counted already.
void InputBuffer::move_to(std::size_t capacity) {
    auto moved = std::make_unique_for_overwrite<char[]>(capacity);
    const std::size_t bytes = unread().size();
    if (bytes > 0) std::memcpy(moved.get(), unread().data(), bytes);
    loop_.release_buffer(capacity_);
    in_ = std::move(moved);
    capacity_ = capacity;
    begin_ = 0;
    end_ = bytes;
}

void InputBuffer::take_behind(std::size_t kept, std::size_t bytes) {
    const std::string_view left = unread().substr(kept + bytes);
    std::memmove(in_.get() + begin_ + kept, left.data(), left.size());
    end_ -= bytes;
}

}  // namespace producers::edge
