// Query parameters of lists and reports: times and ranges.
#pragma once

#include "bus/http/query_parameters.hpp"
#include "projections/api/api_context.hpp"
#include "projections/list_page.hpp"

#include <optional>
#include <string>
#include <vector>

namespace projections::api {

using bus::http::document;
using bus::http::page_limit_default;
static_assert(page_limit_max == bus::http::page_limit_max);

inline constexpr std::chrono::hours report_range_default{30 * 24};

struct TimeRange {
    bus::Timestamp from{};
    bus::Timestamp to{};
    std::string time_zone;
};

class QueryParameters : public bus::http::QueryParameters {
public:
    using bus::http::QueryParameters::QueryParameters;

    // A time is ISO 8601, or a date, which is midnight in the zone. None when absent.
    bus::Result<std::optional<bus::Timestamp>> time(std::string_view name,
                                                    std::string_view zone) const;
    // from, to, tz: by default the 30 days until the moment of the call, in the tenant's zone.
    // Rounded out to whole quarter-hours, as measures are read.
    bus::Result<TimeRange> range(const ApiContext& context, const bus::http::Call& call) const;
};

// The zone of the caller's tenant; UTC when it has none.
std::string zone_of(const ApiContext& context, const bus::http::Call& call);

// An answer with a JSON body and, if given, an ETag of the form "<version>.<hash>"; 304 when the
// request holds that ETag already.
bus::http::Response json_answer(const bus::http::Call& call, std::string body,
                                std::optional<std::uint64_t> etag_version = std::nullopt);

}  // namespace projections::api
