// What rows give to measures, made from their members.
#pragma once

#include "projections/row.hpp"

#include <optional>

namespace projections {

// Empty text is absent.
inline MeasureValue measured_text(std::string_view text) {
    if (text.empty()) return {};
    return {MeasureValue::Kind::text, text, 0};
}
inline MeasureValue measured_integer(std::optional<std::int64_t> number) {
    if (!number) return {};
    return {MeasureValue::Kind::integer, {}, *number};
}
inline MeasureValue measured_time(bus::Timestamp time) {
    return {MeasureValue::Kind::time, {}, time.time_since_epoch().count()};
}

}  // namespace projections
