#include "schemas/import_formats/byte_source.hpp"

#include <cerrno>
#include <cstring>

namespace schemas::import_formats {

using bus::ErrorCode;
using bus::Result;

Result<ByteSource> ByteSource::open(const std::filesystem::path& file) {
    std::error_code failed;
    const auto status = std::filesystem::status(file, failed);
    if (status.type() == std::filesystem::file_type::not_found)
        return bus::fail(ErrorCode::not_found, "{}: there is no such file", file.string());
    if (status.type() == std::filesystem::file_type::directory)
        return bus::fail(ErrorCode::invalid_input,
                         "{} is a directory; name its files, or a maildir (with cur and new)",
                         file.string());
    ByteSource source;
    source.file_.reset(std::fopen(file.c_str(), "rb"));
    if (!source.file_)
        return bus::fail(ErrorCode::unavailable, "{}: {}", file.string(), std::strerror(errno));
    std::setvbuf(source.file_.get(), nullptr, _IONBF, 0);  // the window is the buffer
    source.name_ = file.string();
    return source;
}

ByteSource ByteSource::of(std::string text) {
    ByteSource source;
    source.window_ = std::move(text);
    return source;
}

bool ByteSource::fill() {
    if (!file_) return false;
    window_.erase(0, at_);
    before_window_ += at_;
    at_ = 0;
    const std::size_t have = window_.size();
    window_.resize(have + window_bytes);
    const std::size_t got = std::fread(window_.data() + have, 1, window_bytes, file_.get());
    window_.resize(have + got);
    if (std::ferror(file_.get()) != 0)
        failure_ = bus::fail(ErrorCode::unavailable, "{}: {}", name_, std::strerror(errno));
    if (got < window_bytes) file_.reset();
    return got > 0;
}

std::string_view ByteSource::look(std::size_t bytes) {
    while (window_.size() - at_ < bytes && fill()) {
    }
    return std::string_view(window_).substr(at_);
}

void ByteSource::skip_byte_order_mark() {
    constexpr std::string_view mark = "\xEF\xBB\xBF";
    if (look(mark.size()).starts_with(mark)) at_ += mark.size();
}

void ByteSource::put_back(std::string_view bytes) {
    before_window_ += at_ - bytes.size();
    window_.replace(0, at_, bytes);
    at_ = 0;
}

std::optional<ByteSource::Line> ByteSource::line(std::size_t bytes_max) {
    if (peek() == end) return std::nullopt;
    Line line;
    line.text = take_until_line_end(bytes_max, line);
    line.too_long = line.bytes > line.text.size() + (line.ended ? 1 : 0);
    return line;
}

std::string_view ByteSource::take_until_line_end(std::size_t bytes_max, Line& line) {
    std::size_t searched = 0;
    for (;;) {
        const auto found = std::string_view(window_).find('\n', at_ + searched);
        if (found != std::string_view::npos) {
            const std::string_view text = std::string_view(window_).substr(at_, found - at_);
            line.bytes += text.size() + 1;
            line.ended = true;
            at_ = found + 1;
            return text.substr(0, bytes_max);
        }
        searched = window_.size() - at_;
        if (searched > bytes_max + window_bytes) {  // what is too long need not stay
            const std::size_t passed = searched - bytes_max;
            window_.erase(at_ + bytes_max, passed);
            before_window_ += passed;
            line.bytes += passed;
            searched = bytes_max;
        }
        if (fill()) continue;
        const std::string_view text = std::string_view(window_).substr(at_);
        line.bytes += text.size();
        at_ = window_.size();
        return text.substr(0, bytes_max);
    }
}

}  // namespace schemas::import_formats
