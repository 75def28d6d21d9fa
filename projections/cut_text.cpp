#include "projections/cut_text.hpp"

namespace projections {

namespace {

bool starts_code_point(char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
}

}  // namespace

std::string_view cut_at_code_point(std::string_view text, std::size_t bytes_max) {
    if (text.size() <= bytes_max) return text;
    std::size_t end = bytes_max;
    while (end > 0 && !starts_code_point(text[end])) --end;
    return text.substr(0, end);
}

std::string one_line(std::string_view text, std::size_t characters_max) {
    std::size_t end = 0;
    for (std::size_t characters = 0; end < text.size(); ++end) {
        if (starts_code_point(text[end]) && characters++ == characters_max) break;
    }
    std::string line{text.substr(0, end)};
    for (char& c : line) {
        if (static_cast<unsigned char>(c) < 0x20) c = ' ';
    }
    return line;
}

}  // namespace projections
