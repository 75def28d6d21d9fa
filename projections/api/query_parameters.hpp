// Query parameters of lists and reports, checked against what a route documents.
#pragma once

#include "bus/http/http.hpp"
#include "projections/api/api_context.hpp"
#include "projections/list_page.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace projections::api {

inline constexpr std::size_t page_limit_default = 25;
inline constexpr std::chrono::hours report_range_default{30 * 24};

struct TimeRange {
    bus::Timestamp from{};
    bus::Timestamp to{};
    std::string time_zone;
};

// Those that the dispatcher reads for every route: min_position and as_of.
bool is_common_parameter(std::string_view name);

class QueryParameters {
public:
    // invalid_input naming the parameter and the allowed ones when `allowed` does not list it.
    // X-Min-Position's query form and `as_of` are every read's own and always allowed.
    static bus::Result<QueryParameters> parse(const bus::http::Call& call,
                                              const std::vector<std::string>& allowed);

    std::optional<std::string> find(std::string_view name) const;
    std::string get(std::string_view name) const { return find(name).value_or(""); }

    // invalid_input outside of 1..maximum.
    bus::Result<std::size_t> count(std::string_view name, std::size_t otherwise,
                                   std::size_t maximum) const;
    // A time is ISO 8601, or a date, which is midnight in the zone. None when absent.
    bus::Result<std::optional<bus::Timestamp>> time(std::string_view name,
                                                    std::string_view zone) const;
    // from, to, tz: by default the 30 days until now, in the tenant's zone.
    bus::Result<TimeRange> range(const ApiContext& context, const bus::http::Call& call) const;

private:
    std::vector<bus::http::NameValue> values_;
};

// The zone of the caller's tenant; UTC when it has none.
std::string zone_of(const ApiContext& context, const bus::http::Call& call);

// Documented parameters from names, for the route table.
std::vector<bus::http::Parameter> document(const std::vector<std::string>& names);

// An answer with a JSON body and, if given, an ETag of the form "<version>.<hash>"; 304 when the
// request holds that ETag already.
bus::http::Response json_answer(const bus::http::Call& call, std::string body,
                                std::optional<std::uint64_t> etag_version = std::nullopt);

}  // namespace projections::api
