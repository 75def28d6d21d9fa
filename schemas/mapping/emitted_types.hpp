// What a mapping can give, known without a record.
#pragma once

#include "schemas/mapping/program.hpp"

namespace schemas::mapping {

// Of a bound program. True where the type may be a word of the payload.
bool may_emit(const Program& program, std::string_view type_prefix);

}  // namespace schemas::mapping
