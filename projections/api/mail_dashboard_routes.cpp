// D-02, D-03, D-05 to D-07: the mail dashboard, from the measures `emails` and `email_senders`.
#include "projections/api/measure_answers.hpp"

namespace projections::api {
namespace {

using bus::http::Call;
using bus::http::problem;
using bus::http::Response;
using schemas::json::Writer;

constexpr std::size_t top_senders_default = 10;

struct Question {
    TimeRange range;
    MeasureSet::Query query;
    QueryParameters parameters;
};

std::vector<std::string> with_range(std::vector<std::string> names) {
    names.insert(names.begin(), {"from", "to", "tz"});
    return names;
}

bus::Result<Question> question(const ApiContext& context, const Call& call, std::string measure,
                               const std::vector<std::string>& filters) {
    QueryParameters parameters(call);
    auto range = parameters.range(context, call);
    if (!range) return range.error();
    MeasureSet::Query query{.measure = std::move(measure),
                            .from = range->from,
                            .to = range->to,
                            .time_zone = range->time_zone};
    for (const std::string& name : filters) {
        if (const auto value = parameters.find(name))
            query.filters[name == "mailbox_id" ? "mailbox" : name] = {*value};
    }
    return Question{*range, std::move(query), std::move(parameters)};
}

void write_counts(Writer& json, const MeasureSet::Answer& answer, const MeasureSet::Group& group,
                  std::initializer_list<std::string_view> names) {
    for (std::string_view name : names) json.member(name, value_of(answer, group, name));
}

Response email_volume(const ApiContext& context, const Call& call) {
    auto asked = question(context, call, "emails", {"mailbox_id", "team"});
    if (!asked) return problem(asked.error());
    const MeasureReader reader(context, call);
    const auto now = reader.ask(asked->query);
    if (!now) return problem(now.error());
    auto before = asked->query;
    before.from = asked->query.from - (asked->query.to - asked->query.from);
    before.to = asked->query.from;
    const auto previous = reader.ask(before);
    if (!previous) return problem(previous.error());
    std::string body;
    Writer json(body);
    json.begin_object();
    write_range(json, asked->range, "");
    write_counts(json, *now, now->groups[0], {"received", "sent", "threads"});
    json.key("previous").begin_object();
    write_counts(json, *previous, previous->groups[0], {"received", "sent", "threads"});
    json.end_object().end_object();
    return json_answer(call, std::move(body));
}

Response emails_by_team(const ApiContext& context, const Call& call) {
    auto asked = question(context, call, "emails", {"mailbox_id", "team"});
    if (!asked) return problem(asked.error());
    const MeasureReader reader(context, call);
    const auto total = reader.ask(asked->query);
    if (!total) return problem(total.error());
    const auto all = value_of(*total, total->groups[0], "received");
    asked->query.by = {"team"};
    asked->query.largest = dashboard_groups_max;
    const auto answer = reader.ask(asked->query);
    if (!answer) return problem(answer.error());
    std::string body;
    Writer json(body);
    json.begin_object();
    write_range(json, asked->range, "");
    json.key("data").begin_array();
    for (const auto& group : answer->groups) {
        const auto count = value_of(*answer, group, "received");
        json.begin_object().member("team", group.dimensions[0]).member("count", count);
        json.member("share", all > 0 ? (count * 100 + all / 2) / all : std::int64_t{0});
        write_counts(json, *answer, group, {"sent", "unread"});
        json.end_object();
    }
    json.end_array().end_object();
    return json_answer(call, std::move(body));
}

Response top_senders(const ApiContext& context, const Call& call) {
    auto asked = question(context, call, "email_senders", {"mailbox_id"});
    if (!asked) return problem(asked.error());
    const auto limit = asked->parameters.count("limit", top_senders_default, page_limit_max);
    if (!limit) return problem(limit.error());
    asked->query.by = {"from"};
    asked->query.largest = *limit;
    const auto answer = MeasureReader(context, call).ask(asked->query);
    if (!answer) return problem(answer.error());
    std::string body;
    Writer json(body);
    json.begin_object();
    write_range(json, asked->range, "");
    json.key("data").begin_array();
    for (const auto& group : answer->groups) {
        json.begin_object().member("email", group.dimensions[0]);
        write_counts(json, *answer, group, {"count"});
        json.end_object();
    }
    json.end_array().end_object();
    return json_answer(call, std::move(body));
}

Response daily_volume(const ApiContext& context, const Call& call) {
    auto asked = question(context, call, "emails", {"mailbox_id", "team"});
    if (!asked) return problem(asked.error());
    asked->query.bucket = "day";
    const auto answer = MeasureReader(context, call).ask(asked->query);
    if (!answer) return problem(answer.error());
    std::string body;
    Writer json(body);
    json.begin_object();
    write_range(json, asked->range, "day");
    json.key("data").begin_array();
    for (const auto& group : answer->groups) {
        json.begin_object().member("date", std::string_view(group.bucket).substr(0, 10));
        write_counts(json, *answer, group, {"received", "sent"});
        json.end_object();
    }
    json.end_array().end_object();
    return json_answer(call, std::move(body));
}

Response emails_by_mailbox(const ApiContext& context, const Call& call) {
    auto asked = question(context, call, "emails", {"team"});
    if (!asked) return problem(asked.error());
    asked->query.by = {"mailbox"};
    asked->query.largest = dashboard_groups_max;
    const auto answer = MeasureReader(context, call).ask(asked->query);
    if (!answer) return problem(answer.error());
    std::string body;
    Writer json(body);
    json.begin_object();
    write_range(json, asked->range, "");
    json.key("data").begin_array();
    for (const auto& group : answer->groups) {
        json.begin_object()
            .member("mailbox_id", group.dimensions[0])
            .member("email", group.dimensions[0]);
        write_counts(json, *answer, group, {"received", "sent", "unread"});
        json.end_object();
    }
    json.end_array().end_object();
    return json_answer(call, std::move(body));
}

}  // namespace

std::vector<bus::http::Route> mail_dashboard_routes(const ApiContext& context) {
    const auto route = [&](std::string path, std::string operation, std::string summary,
                           std::vector<std::string> names, auto handler) {
        // Required as written, so these stand under their own path besides /v1.
        return bus::http::Route{
            .method = "GET",
            .pattern = "/v1/admin/dashboard/" + path,
            .operation = std::move(operation),
            .summary = std::move(summary),
            .tag = "email dashboard",
            .parameters = document(with_range(std::move(names))),

            .handle = [&context, handler](const Call& call) { return handler(context, call); }};
    };
    return {route("email-volume", "getEmailVolume",
                  "Received, sent, threads, and the range before (D-02)",
                  {"mailbox_id", "team", "compare"}, email_volume),
            route("emails-by-team", "getEmailsByTeam", "Mails per team (D-03)",
                  {"mailbox_id", "team"}, emails_by_team),
            route("top-senders", "getTopSenders", "Who writes most (D-05)", {"mailbox_id", "limit"},
                  top_senders),
            route("daily-volume", "getEmailDailyVolume", "Mails per day (D-06)",
                  {"mailbox_id", "team"}, daily_volume),
            route("emails-by-mailbox", "getEmailsByMailbox", "Mails per mailbox (D-07)", {"team"},
                  emails_by_mailbox)};
}

}  // namespace projections::api
