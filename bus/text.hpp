// Encodings of bytes as text: hex, base64 (RFC 4648 sections 4 and 5), percent encoding (RFC 3986).
#pragma once

#include "bus/result.hpp"

#include <string>
#include <string_view>

namespace bus {

std::string to_hex(std::string_view bytes);
Result<std::string> from_hex(std::string_view text);
std::string to_base64(std::string_view bytes);
Result<std::string> from_base64(std::string_view text);  // padding optional, both alphabets
std::string to_base64url(std::string_view bytes);        // no padding
std::string percent_decode(std::string_view text, bool plus_is_space);
std::string percent_encode(std::string_view text);
std::string to_lower_ascii(std::string_view text);
std::string_view trim(std::string_view text);  // spaces, tabs, CR, LF

}  // namespace bus
