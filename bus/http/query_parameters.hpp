// Query parameters: those that a route documents, and no others.
#pragma once

#include "bus/http/http.hpp"

namespace bus::http {

inline constexpr std::size_t page_limit_default = 25;
inline constexpr std::size_t page_limit_max = 200;
inline constexpr std::size_t page_max = 1'000'000;

// Those that the private port reads for every route: min_position and as_of.
bool is_common_parameter(std::string_view name);

// 400 that names the parameter and the allowed ones when the query has one that the route does not
// document. Routes that are open to everybody ignore it: what probes them has words of its own.
std::optional<Response> refuse_unknown_parameters(const Route& route, std::string_view query);

// An empty value counts as absent; of several the first counts.
class QueryParameters {
public:
    explicit QueryParameters(const Call& call) : values_(parse_query(call.request.query)) {}

    std::optional<std::string> find(std::string_view name) const;
    std::string get(std::string_view name) const { return find(name).value_or(""); }
    // invalid_input outside of minimum..maximum.
    Result<std::size_t> count(std::string_view name, std::size_t otherwise, std::size_t maximum,
                              std::size_t minimum = 1) const;

private:
    std::vector<NameValue> values_;
};

struct PageRequest {
    std::size_t page = 1;  // counts without a cursor
    std::size_t limit = page_limit_default;
    std::string cursor{};
};
Result<PageRequest> page_request(const QueryParameters& parameters);

// Documented parameters from names, for the route table.
std::vector<Parameter> document(const std::vector<std::string>& names);

}  // namespace bus::http
