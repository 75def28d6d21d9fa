// O-23, O-24: everything about one customer, over all channels.
#include "projections/api/customer_text.hpp"
#include "projections/api/list_answer.hpp"
#include "projections/conversations/conversations_reads.hpp"
#include "projections/identity/identity_reads.hpp"
#include "projections/timeline/timeline_reads.hpp"

#include "schemas/json/json.hpp"

namespace projections::api {
namespace {

using bus::http::Call;
using bus::http::problem;
using bus::http::Response;

const std::vector<std::string> list_names = {"channel", "kind", "from", "to", "cursor", "limit"};
const std::vector<std::string> summary_names = {"from", "to"};

struct Asked {
    Customer customer;
    TimelineQuery query;
    std::unique_ptr<ReadView> timeline;
};

bus::Result<Asked> asked(const ApiContext& context, const Call& call,
                         const QueryParameters& parameters) {
    const bus::TenantId caller = *call.caller.tenant;
    const auto tenant = context.registry.tenant(caller);
    auto identity = context.reads.view(caller, "identity");
    if (!identity) return identity.error();
    auto timeline = context.reads.view(caller, "timeline");
    if (!timeline) return timeline.error();
    const auto key =
        customer_key_of_text(call.parameter("mobile_number"), tenant ? tenant->country : "");
    Asked out{.customer = resolve_customer(**identity, key),
              .query = {},
              .timeline = *std::move(timeline)};
    out.query.keys = out.customer.keys;
    const std::string zone = zone_of(context, call);
    const auto from = parameters.time("from", zone);
    if (!from) return from.error();
    const auto to = parameters.time("to", zone);
    if (!to) return to.error();
    out.query.from = *from;
    out.query.to = *to;
    return out;
}

Response list(const ApiContext& context, const Call& call) {
    const QueryParameters parameters(call);
    auto question = asked(context, call, parameters);
    if (!question) return problem(question.error());
    const auto page = page_request(parameters);
    if (!page) return problem(page.error());
    question->query.channel = parameters.get("channel");
    question->query.kind = parameters.get("kind");
    question->query.cursor = page->cursor;
    question->query.limit = page->limit;
    const auto listed = list_timeline(*question->timeline, question->query);
    if (!listed) return problem(listed.error());
    return list_answer(call, *listed, *page, R"(,"customer":)" + to_json(question->customer));
}

// Conversations of the customer with something unread.
bus::Result<std::uint64_t> open_items(const ApiContext& context, const Call& call,
                                      const Customer& customer) {
    const auto view = context.reads.view(*call.caller.tenant, "conversations");
    if (!view) return view.error();
    ConversationQuery query;
    query.customers = customer.keys;
    query.unread = true;
    query.limit = page_limit_max;
    const auto unread = list_conversations(**view, query, call.moment.now);
    if (!unread) return unread.error();
    return unread->total.value_or(unread->count);
}

Response summary(const ApiContext& context, const Call& call) {
    const QueryParameters parameters(call);
    const auto question = asked(context, call, parameters);
    if (!question) return problem(question.error());
    const auto open = open_items(context, call, question->customer);
    if (!open) return problem(open.error());
    std::string body = summarize_timeline(*question->timeline, question->query);
    body.insert(body.size() - 1,
                fmt::format(R"(,"open":{{"unread_conversations":{}}},"customer":{})", *open,
                            to_json(question->customer)));
    return json_answer(call, std::move(body));
}

}  // namespace

std::vector<bus::http::Route> timeline_routes(const ApiContext& context) {
    const auto route = [&](std::string path, std::string operation, std::string summary_text,
                           std::string schema, const std::vector<std::string>& names,
                           auto handler) {
        return bus::http::Route{
            .method = "GET",
            .pattern = "/v1/customer-timeline/:mobile_number" + path,
            .operation = std::move(operation),
            .summary = std::move(summary_text),
            .tag = "customers",
            .parameters = document(names),
            .response_schema = std::move(schema),
            .handle = [&context, handler](const Call& call) { return handler(context, call); }};
    };
    return {route("", "listTimeline", "All events of a customer, newest first (O-23)",
                  "TimelineList", list_names, list),
            route("/summary", "getTimelineSummary",
                  "Counts by channel and kind, first and last contact, open items (O-24)", "",
                  summary_names, summary)};
}

}  // namespace projections::api
