// From a mapping file to a Program, still without the values of a source's record.
#pragma once

#include "schemas/mapping.hpp"
#include "schemas/mapping/program.hpp"

namespace schemas::mapping {

// invalid_input: "file:line:column: reason" of the first mistake.
bus::Result<Program> compile(std::string_view yaml, std::string_view file,
                             MappingSize size = MappingSize::bounded);

}  // namespace schemas::mapping
