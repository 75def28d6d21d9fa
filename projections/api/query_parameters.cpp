#include "projections/api/query_parameters.hpp"

#include "schemas/time/time_text.hpp"

#include <algorithm>
#include <charconv>

namespace projections::api {
namespace {

std::uint64_t fnv1a(std::string_view bytes) {
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    return hash;
}

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

}  // namespace

bool is_common_parameter(std::string_view name) {
    return name == "min_position" || name == "as_of";
}

bus::Result<QueryParameters> QueryParameters::parse(const bus::http::Call& call,
                                                    const std::vector<std::string>& allowed) {
    QueryParameters out;
    out.values_ = bus::http::parse_query(call.request.query);
    for (const auto& [name, value] : out.values_) {
        if (is_common_parameter(name)) continue;
        if (std::find(allowed.begin(), allowed.end(), name) == allowed.end()) {
            return bus::fail(bus::ErrorCode::invalid_input, "unknown parameter '{}'; allowed: {}",
                             name, fmt::join(allowed, ", "));
        }
    }
    return out;
}

std::optional<std::string> QueryParameters::find(std::string_view name) const {
    for (const auto& [key, value] : values_) {
        if (key == name && !value.empty()) return value;
    }
    return std::nullopt;
}

bus::Result<std::size_t> QueryParameters::count(std::string_view name, std::size_t otherwise,
                                                std::size_t maximum) const {
    const auto text = find(name);
    if (!text) return otherwise;
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (error != std::errc{} || end != text->data() + text->size() || value < 1 ||
        value > maximum) {
        return bus::fail(bus::ErrorCode::invalid_input, "'{}' must be a number from 1 to {}", name,
                         maximum);
    }
    return value;
}

bus::Result<std::optional<bus::Timestamp>> QueryParameters::time(std::string_view name,
                                                                 std::string_view zone_name) const {
    const auto text = find(name);
    if (!text) return std::optional<bus::Timestamp>{};
    auto zone = schemas::time::Zone::find(zone_name);
    if (!zone) return zone.error();
    const auto read = schemas::time::TimeFormat::parse("iso")->read(*text, *zone);
    if (!read) {
        return bus::fail(bus::ErrorCode::invalid_input,
                         "'{}' must be a date or an ISO 8601 time, not '{}'", name, *text);
    }
    return std::optional(*read);
}

bus::Result<TimeRange> QueryParameters::range(const ApiContext& context,
                                              const bus::http::Call& call) const {
    TimeRange range;
    range.time_zone = find("tz").value_or(zone_of(context, call));
    const auto to = time("to", range.time_zone);
    if (!to) return to.error();
    range.to = to->value_or(context.clock.now());
    const auto from = time("from", range.time_zone);
    if (!from) return from.error();
    range.from = from->value_or(range.to - report_range_default);
    if (range.from >= range.to)
        return bus::fail(bus::ErrorCode::invalid_input, "'from' must be before 'to'");
    return range;
}

std::string zone_of(const ApiContext& context, const bus::http::Call& call) {
    const auto tenant = context.registry.tenant(call.caller.tenant.value_or(bus::platform_tenant));
    return tenant && !tenant->time_zone.empty() ? tenant->time_zone : "UTC";
}

std::vector<bus::http::Parameter> document(const std::vector<std::string>& names) {
    std::vector<bus::http::Parameter> out;
    for (const std::string& name : names) {
        const auto text = descriptions().find(name);
        out.push_back({.name = name,
                       .where = "query",
                       .description = text == descriptions().end() ? "" : std::string(text->second),
                       .required = false});
    }
    return out;
}

bus::http::Response json_answer(const bus::http::Call& call, std::string body,
                                std::optional<std::uint64_t> etag_version) {
    bus::http::Response response;
    response.body = std::move(body);
    if (!etag_version) return response;
    const std::string etag = fmt::format("\"{}.{:016x}\"", *etag_version, fnv1a(response.body));
    response.headers.emplace_back("ETag", etag);
    if (call.request.header("if-none-match") == etag) {
        response.status = 304;
        response.body.clear();
    }
    return response;
}

}  // namespace projections::api
