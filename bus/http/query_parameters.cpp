#include "bus/http/query_parameters.hpp"

#include <algorithm>
#include <charconv>
#include <map>

namespace bus::http {
namespace {

const std::map<std::string_view, std::string_view>& descriptions() {
    static const std::map<std::string_view, std::string_view> texts = {
        {"from", "first moment, ISO 8601 or a date in the zone"},
        {"to", "end (exclusive), ISO 8601 or a date in the zone"},
        {"tz", "IANA zone of day boundaries; the tenant's unless said"},
        {"limit", "how many, 1 to 200"},
        {"page", "page number, from 1"},
        {"cursor", "next_cursor of the previous answer"},
        {"bucket", "hour, day, week or month"},
        {"by", "dimensions to group by, separated by commas"},
        {"compare", "previous: adds the range of the same length before"},
        {"search", "words that names or texts begin with"},
        {"sort", "field to sort by; - in front for descending"},
    };
    return texts;
}

bool documents(const Route& route, std::string_view name) {
    return std::any_of(route.parameters.begin(), route.parameters.end(),
                       [&](const Parameter& parameter) {
                           return parameter.where == "query" && parameter.name == name;
                       });
}

std::string documented_names(const Route& route) {
    std::vector<std::string_view> names;
    for (const Parameter& parameter : route.parameters) {
        if (parameter.where == "query") names.push_back(parameter.name);
    }
    return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

bool is_common_parameter(std::string_view name) {
    return name == "min_position" || name == "as_of";
}

std::optional<Response> refuse_unknown_parameters(const Route& route, std::string_view query) {
    if (route.access == Access::open || route.has_further_parameters) return std::nullopt;
    for (const auto& [name, value] : parse_query(query)) {
        if (is_common_parameter(name) || documents(route, name)) continue;
        return problem(fail(ErrorCode::invalid_input, "unknown parameter '{}'; allowed: {}", name,
                            documented_names(route)));
    }
    return std::nullopt;
}

std::optional<std::string> QueryParameters::find(std::string_view name) const {
    for (const auto& [key, value] : values_) {
        if (key == name && !value.empty()) return value;
    }
    return std::nullopt;
}

Result<std::size_t> QueryParameters::count(std::string_view name, std::size_t otherwise,
                                           std::size_t maximum, std::size_t minimum) const {
    const auto text = find(name);
    if (!text) return otherwise;
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (error != std::errc{} || end != text->data() + text->size() || value < minimum ||
        value > maximum) {
        return fail(ErrorCode::invalid_input, "'{}' must be a number from {} to {}", name, minimum,
                    maximum);
    }
    return value;
}

Result<PageRequest> page_request(const QueryParameters& parameters) {
    const auto page = parameters.count("page", 1, page_max);
    if (!page) return page.error();
    const auto limit = parameters.count("limit", page_limit_default, page_limit_max);
    if (!limit) return limit.error();
    return PageRequest{*page, *limit, parameters.get("cursor")};
}

std::vector<Parameter> document(const std::vector<std::string>& names) {
    std::vector<Parameter> out;
    for (const std::string& name : names) {
        const auto text = descriptions().find(name);
        out.push_back({.name = name,
                       .where = "query",
                       .description = text == descriptions().end() ? "" : std::string(text->second),
                       .required = false});
    }
    return out;
}

}  // namespace bus::http
