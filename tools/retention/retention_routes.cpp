#include "tools/retention/retention_routes.hpp"

#include "schemas/json/json.hpp"
#include "tools/jobs/job_routes.hpp"

namespace tools::retention {

using bus::ErrorCode;
using bus::Result;
using bus::http::Call;
using bus::http::problem;
using bus::http::Response;

namespace {

constexpr std::string_view for_ever = "forever";

Response shown(const Settings& settings) {
    Response response;
    schemas::json::Writer json(response.body);
    json.begin_object().key("topics").begin_array();
    for (std::size_t i = 0; i < bus::topic_count; ++i) {
        const bus::Topic topic = bus::topic_at(i);
        const auto keep = settings.find(topic);
        json.begin_object()
            .member("topic", bus::short_name(topic))
            .member("keep", keep == settings.end() ? std::string(for_ever) : age_text(keep->second))
            .member("can_be_limited", bus::may_expire(topic))
            .end_object();
    }
    json.end_array().end_object();
    return response;
}

Response show(const RetentionPorts& ports) {
    const auto settings = read_settings(ports.data);
    return settings ? shown(*settings) : problem(settings.error());
}

Result<Settings> changed(const RetentionPorts& ports, std::string_view body) {
    if (auto can = can_expire(ports.log); !can) return can.error();
    schemas::json::Parser parser;
    const auto json = parser.parse(body);
    if (!json) return json.error();
    const auto topic = parse_limited_topic((*json)["topic"].text());
    if (!topic) return topic.error();
    auto settings = read_settings(ports.data);
    if (!settings) return settings;
    const std::string_view keep = (*json)["keep"].text();
    if (keep == for_ever) {
        settings->erase(*topic);
    } else {
        const auto age = parse_age(keep);
        if (!age) return age.error();
        (*settings)[*topic] = *age;
    }
    if (auto written = write_settings(ports.data, *settings); !written) return written.error();
    return settings;
}

Response change(const RetentionPorts& ports, const Call& call) {
    const auto settings = changed(ports, call.request.body);
    return settings ? shown(*settings) : problem(settings.error());
}

Result<std::string> start_asked(const RetentionPorts& ports, std::string_view body) {
    schemas::json::Parser parser;
    const auto json = parser.parse(body.empty() ? "{}" : body);
    if (!json) return json.error();
    auto settings = read_settings(ports.data);
    if (!settings) return settings.error();
    const std::string_view topic_text = (*json)["topic"].text();
    const std::string_view age_text = (*json)["older_than"].text();
    if (!topic_text.empty()) {
        const auto topic = parse_limited_topic(topic_text);
        if (!topic) return topic.error();
        if (!settings->contains(*topic) && age_text.empty())
            return bus::fail(ErrorCode::invalid_input, "{} is kept for ever; set its limit first",
                             bus::short_name(*topic));
        const auto keep = settings->find(*topic);
        *settings = {{*topic, keep == settings->end() ? keep_max : keep->second}};
    }
    if (!age_text.empty()) {
        const auto age = parse_age(age_text);
        if (!age) return age.error();
        for (auto& [topic, keep] : *settings) keep = *age;
    }
    const auto asked = [&](std::string_view name) {
        return (*json)[name].boolean().value_or(false);
    };
    return start_retention(ports, *std::move(settings),
                           {.commit = asked("commit"), .trust_clock = asked("trust_clock")});
}

}  // namespace

std::vector<bus::http::Route> retention_routes(const RetentionPorts& ports) {
    const auto route = [](std::string method, std::string operation, std::string summary,
                          auto handle) {
        return bus::http::Route{.method = std::move(method),
                                .pattern = "/v1/retention",
                                .operation = std::move(operation),
                                .summary = std::move(summary),
                                .tag = "operator",
                                .access = bus::http::Access::admin,
                                .handle = std::move(handle)};
    };
    return {
        route("GET", "showRetention", "How long the records of each topic are kept",
              [ports](const Call&) { return show(ports); }),
        route("PUT", "setRetention", "Keep a topic's records for a time, or for ever",
              [ports](const Call& call) { return change(ports, call); }),
        route("POST", "applyRetention",
              "Take out what has expired, as a job; without commit it only counts",
              [ports](const Call& call) {
                  return jobs::started_job(ports.jobs, start_asked(ports, call.request.body));
              }),
    };
}

}  // namespace tools::retention
