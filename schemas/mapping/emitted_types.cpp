#include "schemas/mapping/emitted_types.hpp"

#include <algorithm>

namespace schemas::mapping {

namespace {

bool may_emit(const Emit& emit, std::string_view type_prefix) {
    if (!emit.type_name.empty()) return emit.type_name.starts_with(type_prefix);
    if (emit.type_table.empty() || emit.type_otherwise_same) return true;
    if (emit.type_otherwise && emit.type_otherwise->starts_with(type_prefix)) return true;
    return std::any_of(
        emit.type_table.bound.begin(), emit.type_table.bound.end(),
        [&](const auto& entry) { return entry.second && entry.second->starts_with(type_prefix); });
}

}  // namespace

bool may_emit(const Program& program, std::string_view type_prefix) {
    return std::any_of(program.rules.begin(), program.rules.end(), [&](const Rule& rule) {
        return std::any_of(rule.emits.begin(), rule.emits.end(),
                           [&](const Emit& emit) { return may_emit(emit, type_prefix); });
    });
}

}  // namespace schemas::mapping
