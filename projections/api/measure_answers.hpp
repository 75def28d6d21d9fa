// Asking measures for a caller, and the pieces of JSON that dashboards share.
#pragma once

#include "projections/api/query_parameters.hpp"
#include "schemas/json/json.hpp"

#include <map>

namespace projections::api {

// Of each dimension a dashboard shows the largest so many; its totals are of all.
inline constexpr std::size_t dashboard_groups_max = 1000;

// One consistent view of the caller's aggregates, for each projection that feeds measures, for all
// questions of one answer.
class MeasureReader {
public:
    MeasureReader(const ApiContext& context, const bus::http::Call& call);
    bus::Result<MeasureSet::Answer> ask(const MeasureSet::Query& query) const;

private:
    const ApiContext& context_;
    const bus::TenantId tenant_;
    mutable std::map<std::string_view, std::unique_ptr<ReadView>> views_;  // by projection
};

// The value called `name` of a group; 0 when there is none.
std::int64_t value_of(const MeasureSet::Answer& answer, const MeasureSet::Group& group,
                      std::string_view name);

// "range":{from,to},"tz":... with the boundaries that were used.
void write_range(schemas::json::Writer& json, const TimeRange& range, std::string_view bucket);
// [{bucket, <dimensions>, <values>}]
void write_groups(schemas::json::Writer& json, const MeasureSet::Answer& answer,
                  const std::vector<std::string>& by);

}  // namespace projections::api
