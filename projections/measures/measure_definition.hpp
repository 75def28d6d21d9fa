// One measure as its file says it, resolved against the row kind: field names are numbers by now.
#pragma once

#include "projections/measures/measure_filter.hpp"

#include <string>
#include <vector>

namespace projections {

struct MeasureValueDefinition {
    enum class Kind : std::uint8_t { count, sum, histogram, distinct };
    std::string name;
    Kind kind = Kind::count;
    std::size_t field = 0;                 // unused by count
    std::optional<MeasureFilter> only_if;  // count(condition)
    std::size_t slot = 0;                  // among totals, histograms or distinct keys
};

struct MeasureDefinition {
    std::string name;
    std::string description;
    std::string unit;
    const RowKind* kind = nullptr;
    std::optional<MeasureFilter> where;
    std::size_t time_field = 0;
    std::vector<std::string> dimensions;
    std::vector<std::size_t> dimension_fields;
    std::vector<MeasureValueDefinition> values;
    std::size_t totals = 0;      // slots of counts and sums
    std::size_t histograms = 0;  // slots of histograms
};

// One file = one measure. invalid_input: "file:line:column: reason".
bus::Result<MeasureDefinition> parse_measure(std::string_view text, std::string_view file);

inline constexpr bus::microseconds quarter_hour{15LL * 60 * 1'000'000};
inline constexpr bus::microseconds utc_day{24LL * 3600 * 1'000'000};

// Keys in Table::measures, relative to instance and tenant.
enum class Resolution : std::uint8_t { quarter = 'q', day = 'd' };
std::string aggregate_prefix(const MeasureDefinition& measure, Resolution resolution);
std::string references_prefix(const MeasureDefinition& measure, Resolution resolution,
                              std::size_t value);

}  // namespace projections
