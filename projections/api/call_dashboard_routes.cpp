// V-05 to V-07: the call dashboard, from the measure `calls`.
#include "projections/api/measure_answers.hpp"

#include <algorithm>
#include <array>

namespace projections::api {
namespace {

using bus::http::Call;
using bus::http::problem;
using bus::http::Response;
using schemas::json::Writer;

const std::vector<std::string> parameters_allowed = {"from", "to", "tz", "service", "agent"};

struct Question {
    TimeRange range;
    MeasureSet::Query query;
};

bus::Result<Question> question(const ApiContext& context, const Call& call) {
    const QueryParameters parameters(call);
    auto range = parameters.range(context, call);
    if (!range) return range.error();
    Question out{
        *range,
        {.measure = "calls", .from = range->from, .to = range->to, .time_zone = range->time_zone}};
    for (const std::string dimension : {"service", "agent"}) {
        if (const auto value = parameters.find(dimension)) out.query.filters[dimension] = {*value};
    }
    return out;
}

std::int64_t ratio_percent(std::int64_t part, std::int64_t whole) {
    return whole > 0 ? (part * 100 + whole / 2) / whole : 0;
}
std::int64_t average(std::int64_t sum, std::int64_t count) {
    return count > 0 ? (sum + count / 2) / count : 0;
}

// volume, answered, missed, answer_rate (percent), talk_s, avg_talk_s, waiting times, distinct
// callers.
void write_figures(Writer& json, const MeasureSet::Answer& answer, const MeasureSet::Group& group) {
    const auto volume = value_of(answer, group, "volume");
    const auto answered = value_of(answer, group, "answered");
    const auto talk = value_of(answer, group, "talk_s");
    json.member("volume", volume)
        .member("answered", answered)
        .member("missed", value_of(answer, group, "missed"));
    json.member("answer_rate", ratio_percent(answered, volume));
    json.member("talk_s", talk).member("avg_talk_s", average(talk, answered));
    json.member("wait_p50_s", value_of(answer, group, "wait_p50"))
        .member("wait_p95_s", value_of(answer, group, "wait_p95"));
    json.member("callers", value_of(answer, group, "callers"));
}

bus::Result<bus::Done> write_by(Writer& json, const MeasureReader& reader, MeasureSet::Query query,
                                const std::string& dimension) {
    query.by = {dimension};
    query.largest = dashboard_groups_max;
    const auto answer = reader.ask(query);
    if (!answer) return answer.error();
    json.begin_array();
    for (const auto& group : answer->groups) {
        json.begin_object().member(dimension, group.dimensions[0]);
        write_figures(json, *answer, group);
        json.end_object();
    }
    json.end_array();
    return bus::Done{};
}

// The services of forwarded calls, of those that were asked for.
std::vector<std::string> forwarding_services(const MeasureSet::Query& query) {
    std::vector<std::string> services = {"CallForward", "call_forward", "forwarded"};
    const auto asked = query.filters.find("service");
    if (asked == query.filters.end()) return services;
    std::erase_if(services, [&wanted = asked->second](const std::string& service) {
        return std::find(wanted.begin(), wanted.end(), service) == wanted.end();
    });
    return services;
}

bus::Result<bus::Done> write_daily(Writer& json, const MeasureReader& reader,
                                   MeasureSet::Query query) {
    query.bucket = "day";
    const auto all = reader.ask(query);
    if (!all) return all.error();
    query.filters["direction"] = {"inbound"};
    const auto incoming = reader.ask(query);
    if (!incoming) return incoming.error();
    query.filters.erase("direction");
    query.filters["service"] = forwarding_services(query);
    const auto forwarded = reader.ask(query);
    if (!forwarded) return forwarded.error();
    json.begin_array();
    for (std::size_t i = 0; i < all->groups.size(); ++i) {
        const auto& day = all->groups[i];
        json.begin_object().member("date", std::string_view(day.bucket).substr(0, 10));
        json.member("volume", value_of(*all, day, "volume"));
        json.member("incoming", value_of(*incoming, incoming->groups[i], "volume"));
        json.member("forwarded", value_of(*forwarded, forwarded->groups[i], "volume"));
        json.member("answered", value_of(*all, day, "answered"))
            .member("missed", value_of(*all, day, "missed"));
        json.end_object();
    }
    json.end_array();
    return bus::Done{};
}

// Calls per hour of the day in the asked zone, over the whole range.
bus::Result<bus::Done> write_hours(Writer& json, const MeasureReader& reader,
                                   MeasureSet::Query query) {
    query.bucket = "hour";
    query.groups_max = 10'000;
    const auto answer = reader.ask(query);
    if (!answer) return answer.error();
    std::array<std::int64_t, 24> volume{};
    for (const auto& group : answer->groups) {
        volume[static_cast<std::size_t>((group.bucket[11] - '0') * 10 + group.bucket[12] - '0')] +=
            value_of(*answer, group, "volume");
    }
    json.begin_array();
    for (std::size_t hour = 0; hour < volume.size(); ++hour) {
        json.begin_object()
            .member("hour", static_cast<std::int64_t>(hour))
            .member("volume", volume[hour])
            .end_object();
    }
    json.end_array();
    return bus::Done{};
}

Response overview(const ApiContext& context, const Call& call) {
    const auto asked = question(context, call);
    if (!asked) return problem(asked.error());
    const MeasureReader reader(context, call);
    const auto totals = reader.ask(asked->query);
    if (!totals) return problem(totals.error());
    std::string body;
    Writer json(body);
    json.begin_object();
    write_range(json, asked->range, "");
    json.key("volume").begin_object();
    write_figures(json, *totals, totals->groups[0]);
    json.end_object();
    bus::Result<bus::Done> written = bus::Done{};
    const auto part = [&](std::string_view name, const auto& write) {
        if (!written) return;
        json.key(name);
        written = write();
    };
    part("agents", [&] { return write_by(json, reader, asked->query, "agent"); });
    part("daily", [&] { return write_daily(json, reader, asked->query); });
    part("status", [&] { return write_by(json, reader, asked->query, "status"); });
    part("departments", [&] { return write_by(json, reader, asked->query, "department"); });
    part("locations", [&] { return write_by(json, reader, asked->query, "location"); });
    part("hours", [&] { return write_hours(json, reader, asked->query); });
    if (!written) return problem(written.error());
    json.end_object();
    return json_answer(call, std::move(body));
}

template <class Write>
Response report(const ApiContext& context, const Call& call, Write write) {
    const auto asked = question(context, call);
    if (!asked) return problem(asked.error());
    const MeasureReader reader(context, call);
    std::string body;
    Writer json(body);
    json.begin_object();
    write_range(json, asked->range, "");
    json.key("data");
    const bus::Result<bus::Done> written = write(json, reader, asked->query);
    if (!written) return problem(written.error());
    json.end_object();
    return json_answer(call, std::move(body));
}

Response agent_stats(const ApiContext& context, const Call& call) {
    return report(context, call,
                  [](Writer& json, const MeasureReader& reader, const MeasureSet::Query& query) {
                      return write_by(json, reader, query, "agent");
                  });
}

Response daily_volume(const ApiContext& context, const Call& call) {
    return report(context, call,
                  [](Writer& json, const MeasureReader& reader, const MeasureSet::Query& query) {
                      return write_daily(json, reader, query);
                  });
}

}  // namespace

std::vector<bus::http::Route> call_dashboard_routes(const ApiContext& context) {
    const auto route = [&](std::string path, std::string operation, std::string summary,
                           auto handler) {
        return bus::http::Route{
            .method = "GET",
            .pattern = "/v1/calls/dashboard/" + path,
            .operation = std::move(operation),
            .summary = std::move(summary),
            .tag = "calls",
            .parameters = document(parameters_allowed),

            .handle = [&context, handler](const Call& call) { return handler(context, call); }};
    };
    return {
        route("overview", "getCallOverview",
              "Volume, agents, days, states and hours in one answer; of agents, departments and "
              "locations the 1,000 busiest (V-05)",
              overview),
        route("agent-stats", "getCallAgentStats", "Figures per agent (V-06)", agent_stats),
        route("daily-volume", "getCallDailyVolume", "Figures per day in the asked zone (V-07)",
              daily_volume)};
}

}  // namespace projections::api
