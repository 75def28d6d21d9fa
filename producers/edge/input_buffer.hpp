// What a connection has received and not taken yet, in one piece.
//
// Its room counts as held by the loop, which bounds what all connections hold together; a little
// every one of them has in any case. Views into it last until the next call that is not const.
// Loop's thread only.
#pragma once

#include "producers/edge/edge_server.hpp"

#include <span>

namespace producers::edge {

// So much every connection may hold: who holds large requests back shuts out no small one.
inline constexpr std::size_t buffer_bytes_first = 4 * 1024;

class InputBuffer {
public:
    explicit InputBuffer(EdgeServer::Loop& loop) : loop_(loop) {}
    InputBuffer(const InputBuffer&) = delete;
    InputBuffer& operator=(const InputBuffer&) = delete;
    ~InputBuffer();

    std::string_view unread() const { return {in_.get() + begin_, end_ - begin_}; }
    bool empty() const { return begin_ == end_; }

    bool make_room();  // for one read; false: too much is held already
    std::span<char> room() { return {in_.get() + end_, capacity_ - end_}; }
    void received(std::size_t bytes) { end_ += bytes; }  // they stand in room()

    void take(std::size_t bytes) { begin_ += bytes; }       // from the front of unread()
    void take_behind(std::size_t kept, std::size_t bytes);  // which stay behind the first `kept`
    void clear() { begin_ = end_ = 0; }

private:
    void move_to(std::size_t capacity);

    EdgeServer::Loop& loop_;
    std::unique_ptr<char[]> in_;
    std::size_t capacity_ = 0, begin_ = 0, end_ = 0;
};

}  // namespace producers::edge
