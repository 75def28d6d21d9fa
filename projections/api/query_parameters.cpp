#include "projections/api/query_parameters.hpp"

#include "schemas/time/time_text.hpp"

namespace projections::api {
namespace {

std::uint64_t fnv1a(std::string_view bytes) {
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    return hash;
}

}  // namespace

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
    const auto from = time("from", range.time_zone);
    if (!from) return from.error();
    const bus::Timestamp end = to->value_or(call.moment.now);
    range.to = quarter_ceiling(end);
    const bus::Timestamp begin = from->value_or(range.to - report_range_default);
    if (begin >= end) return bus::fail(bus::ErrorCode::invalid_input, "'from' must be before 'to'");
    range.from = quarter_floor(begin);
    return range;
}

std::string zone_of(const ApiContext& context, const bus::http::Call& call) {
    const auto tenant = context.registry.tenant(call.caller.tenant.value_or(bus::platform_tenant));
    return tenant && !tenant->time_zone.empty() ? tenant->time_zone : "UTC";
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
