// Conditions of measure files over the fields of one row kind:
// `status in (answered, completed)`, `direction != out and agent exists`, `not (talk_s == 0)`.
// Compiled once; values compare as text, letter case counts; nothing equals what is absent.
#pragma once

#include "projections/measures/row_kinds.hpp"
#include "projections/row.hpp"

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace projections {

class MeasureFilter {
public:
    // invalid_input with the reason, without a place: the caller knows the line.
    static bus::Result<MeasureFilter> compile(std::string_view text, const RowKind& kind);
    bool matches(const std::vector<MeasureValue>& values) const;

    struct Node {
        enum class Kind : std::uint8_t { in, exists, all, any, negated };
        Kind kind = Kind::in;
        std::size_t field = 0;
        std::vector<std::string> words;
        std::vector<Node> children;
    };

private:
    Node root_;
};

// Number of the field in its kind, or none.
std::optional<std::size_t> field_number(const RowKind& kind, std::string_view field);
// A value as a dimension shows it; "" when absent.
std::string dimension_text(const MeasureValue& value);

}  // namespace projections
