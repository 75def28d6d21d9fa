#include "producers/edge/chunk_decoder.hpp"

#include <algorithm>
#include <charconv>

namespace producers::edge {

ChunkDecoder::State ChunkDecoder::feed(std::string_view& in, std::size_t body_bytes_max) {
    while (!in.empty()) {
        switch (state_) {
            case State::size:
                if (take_line(in, size_line_bytes_max)) read_size();
                break;
            case State::data: {
                const auto part = in.substr(0, std::min(left_, in.size()));
                if (left_ > body_bytes_max - body_.size()) return state_ = State::too_large;
                body_ += part;
                left_ -= part.size();
                in.remove_prefix(part.size());
                if (left_ == 0) state_ = State::data_end;
                break;
            }
            case State::data_end:
                if (take_line(in, 2)) {
                    state_ = line_.empty() ? State::size : State::malformed;
                    line_.clear();
                }
                break;
            case State::trailer:
                if (take_line(in, trailer_bytes_max)) {
                    if (line_.empty()) return state_ = State::done;
                    trailer_bytes_ += line_.size() + 2;
                    if (trailer_bytes_ > trailer_bytes_max) state_ = State::malformed;
                    line_.clear();
                }
                break;
            case State::done:
            case State::malformed:
            case State::too_large:
                return state_;
        }
    }
    return state_;
}

// True when line_ holds a whole line without its CRLF. A bare LF or CR is malformed.
bool ChunkDecoder::take_line(std::string_view& in, std::size_t bytes_max) {
    const auto end = in.find('\n');
    const auto part = in.substr(0, end);
    if (line_.size() + part.size() > bytes_max) {
        state_ = State::malformed;
        return false;
    }
    line_ += part;
    in.remove_prefix(end == std::string_view::npos ? in.size() : end + 1);
    if (end == std::string_view::npos) return false;
    if (!line_.ends_with('\r') || line_.find('\r') != line_.size() - 1) {
        state_ = State::malformed;
        return false;
    }
    line_.pop_back();
    return true;
}

void ChunkDecoder::read_size() {
    const auto digits = std::string_view(line_).substr(0, line_.find(';'));
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), left_, 16);
    const bool ok = error == std::errc{} && end == digits.data() + digits.size();
    state_ = !ok ? State::malformed : left_ == 0 ? State::trailer : State::data;
    line_.clear();
}

}  // namespace producers::edge
