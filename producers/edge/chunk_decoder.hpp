// Transfer-Encoding: chunked, decoded strictly and within bounds. Pure; one request each.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace producers::edge {

class ChunkDecoder {
public:
    static constexpr std::size_t size_line_bytes_max = 256;  // with extensions, which are ignored
    static constexpr std::size_t trailer_bytes_max = 4 * 1024;

    enum class State : unsigned char { size, data, data_end, trailer, done, malformed, too_large };

    // Takes what it understands from the front of `in` and appends data to body().
    State feed(std::string_view& in, std::size_t body_bytes_max);
    const std::string& body() const { return body_; }
    std::size_t held_bytes() const { return body_.capacity(); }

private:
    bool take_line(std::string_view& in, std::size_t bytes_max);
    void read_size();

    State state_ = State::size;
    std::string line_;  // of the size or the trailer, until its CRLF is there
    std::size_t left_ = 0;
    std::size_t trailer_bytes_ = 0;
    std::string body_;
};

}  // namespace producers::edge
