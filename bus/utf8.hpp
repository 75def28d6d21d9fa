// UTF-8 as RFC 3629 has it.
#pragma once

#include <string>
#include <string_view>

namespace bus {

std::string repaired_utf8(std::string_view text);  // bad bytes become U+FFFD

}  // namespace bus
