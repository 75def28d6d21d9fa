// Paths and conditions as text (schemas/MAPPING.md, "Paths", "Conditions").
#pragma once

#include "schemas/mapping/program.hpp"

#include <map>

namespace schemas::mapping {

struct Variable {
    std::uint32_t slot = 0;
    std::uint32_t level = 0;
};
using Variables = std::map<std::string, Variable, std::less<>>;

// What names mean where a path stands.
struct Scope {
    Variables variables;
    std::vector<Field> fields;  // those mapped above
};

// Each adds the paths it needs to `program`. invalid_input with the reason, without a place.
bus::Result<PathIndex> add_path(std::string_view text, const Scope& scope, Program& program);
bus::Result<PathIndex> add_constant(std::string_view text, Program& program);
// A bare name is a field, otherwise a path that begins with '$'.
bus::Result<PathIndex> add_operand(std::string_view text, const Scope& scope, Program& program);
bus::Result<Condition> parse_condition(std::string_view text, const Scope& scope, Program& program);

}  // namespace schemas::mapping
