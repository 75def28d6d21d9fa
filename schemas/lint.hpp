// Checks a mapping file without using it: `tributary schema lint`.
#pragma once

#include "bus/result.hpp"

#include <string_view>

namespace schemas {

// invalid_input: "file:line:column: reason" of the first mistake.
bus::Result<bus::Done> lint(std::string_view text, std::string_view file);

}  // namespace schemas
