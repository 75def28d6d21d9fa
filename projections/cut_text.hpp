// Shortening UTF-8 text without cutting a character in two.
#pragma once

#include <string>
#include <string_view>

namespace projections {

// At most `bytes_max` bytes.
std::string_view cut_at_code_point(std::string_view text, std::size_t bytes_max);

// The first `characters_max` code points, control characters as blanks.
std::string one_line(std::string_view text, std::size_t characters_max);

}  // namespace projections
