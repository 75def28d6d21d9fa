// Reading a measure: aggregates of a range grouped into the asked zone's buckets and dimensions.
#pragma once

#include "projections/measures/measure_definition.hpp"
#include "projections/measures/measure_set.hpp"

namespace projections {

inline constexpr std::size_t query_buckets_max = 10'000;

bus::Result<MeasureSet::Answer> query_measure(const MeasureDefinition& measure,
                                              const MeasureSet::Query& query,
                                              const ReadView& aggregates);

}  // namespace projections
