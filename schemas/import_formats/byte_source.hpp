// Bytes of a file of any size, a window at a time.
//
// Views live until the next call. A file that cannot be read on ends the bytes, and failure() says
// why. Threads: one at a time.
#pragma once

#include "bus/result.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace schemas::import_formats {

class ByteSource {
public:
    // not_found, unavailable (no right to read it), invalid_input: it is no regular file.
    static bus::Result<ByteSource> open(const std::filesystem::path& file);
    static ByteSource of(std::string text);

    static constexpr int end = -1;
    int peek() { return at_ < window_.size() || fill() ? byte(at_) : end; }
    int next() { return at_ < window_.size() || fill() ? byte(at_++) : end; }
    // At least `bytes` of what comes next, fewer at the end; nothing is taken.
    std::string_view look(std::size_t bytes);

    void skip_byte_order_mark();
    // The last bytes that were taken, to be read again.
    void put_back(std::string_view bytes);

    struct Line {
        std::string_view text;    // without its LF, at most bytes_max of it
        std::uint64_t bytes = 0;  // of the whole line, with its LF
        bool ended = false;       // by an LF; false: the file ends here
        bool too_long = false;
    };
    // nullopt at the end. A line longer than `bytes_max` is passed over in windows, not kept.
    std::optional<Line> line(std::size_t bytes_max);

    std::uint64_t offset() const { return before_window_ + at_; }  // of the next byte
    const std::optional<bus::Error>& failure() const { return failure_; }

private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    static constexpr std::size_t window_bytes = 256 * 1024;
    int byte(std::size_t at) const { return static_cast<unsigned char>(window_[at]); }
    bool fill();  // keeps what is not taken yet; false at the end
    std::string_view take_until_line_end(std::size_t bytes_max, Line& line);

    std::unique_ptr<std::FILE, Close> file_;  // none: the window is all there is
    std::string name_;
    std::string window_;
    std::size_t at_ = 0;
    std::uint64_t before_window_ = 0;
    std::optional<bus::Error> failure_;
};

}  // namespace schemas::import_formats
