// C-06 to C-08: the inbox.
#include "projections/api/customer_text.hpp"
#include "projections/api/list_answer.hpp"
#include "projections/conversations/conversations_reads.hpp"
#include "projections/identity/identity_reads.hpp"

namespace projections::api {
namespace {

using bus::http::Call;
using bus::http::problem;
using bus::http::Response;

constexpr std::string_view projection = "conversations";

const std::vector<std::string> filter_names = {
    "provider_id", "channel", "status", "unread", "window", "customer", "search", "from", "to"};

std::vector<std::string> list_names() {
    std::vector<std::string> names = filter_names;
    names.insert(names.end(), {"sort", "page", "limit", "cursor"});
    return names;
}
const std::vector<std::string> message_names = {"before", "after", "kind", "direction", "limit"};

bus::Error bad_word(std::string_view name, std::string_view allowed) {
    return bus::fail(bus::ErrorCode::invalid_input, "'{}' is one of {}", name, allowed);
}

bus::Result<ConversationQuery> conversation_query(const ApiContext& context, const Call& call,
                                                  const QueryParameters& parameters) {
    ConversationQuery query{.provider = parameters.get("provider_id"),
                            .channel = parameters.get("channel"),
                            .status = parameters.get("status"),
                            .unread = {}};
    if (const auto unread = parameters.find("unread")) {
        if (*unread != "true" && *unread != "false") return bad_word("unread", "true, false");
        query.unread = *unread == "true";
    }
    const auto window = parameters.get("window");
    if (window == "open")
        query.window = WindowFilter::open;
    else if (window == "closed")
        query.window = WindowFilter::closed;
    else if (!window.empty())
        return bad_word("window", "open, closed");
    if (const auto customer = parameters.find("customer")) {
        const auto identity = context.reads.view(*call.caller.tenant, "identity");
        if (!identity) return identity.error();
        const auto tenant = context.registry.tenant(*call.caller.tenant);
        query.customers =
            resolve_customer(**identity,
                             customer_key_of_text(*customer, tenant ? tenant->country : ""))
                .keys;
    }
    query.search = parameters.get("search");
    const std::string zone = zone_of(context, call);
    const auto from = parameters.time("from", zone);
    if (!from) return from.error();
    const auto to = parameters.time("to", zone);
    if (!to) return to.error();
    query.from = *from;
    query.to = *to;
    const auto sort = parameters.get("sort");
    if (!sort.empty() && sort != "last_message_at" && sort != "-last_message_at") {
        return bad_word("sort", "last_message_at, -last_message_at");
    }
    query.oldest_first = sort == "last_message_at";
    return query;
}

Response list(const ApiContext& context, const Call& call) {
    const QueryParameters parameters(call);
    auto query = conversation_query(context, call, parameters);
    if (!query) return problem(query.error());
    const auto page = page_request(parameters);
    if (!page) return problem(page.error());
    query->page = page->page;
    query->limit = page->limit;
    query->cursor = page->cursor;
    const auto view = context.reads.view(*call.caller.tenant, projection);
    if (!view) return problem(view.error());
    const auto listed = list_conversations(**view, *query, call.moment.now);
    return listed ? list_answer(call, *listed, *page) : problem(listed.error());
}

Response counts(const ApiContext& context, const Call& call) {
    const QueryParameters parameters(call);
    const auto query = conversation_query(context, call, parameters);
    if (!query) return problem(query.error());
    const auto view = context.reads.view(*call.caller.tenant, projection);
    if (!view) return problem(view.error());
    auto counted = count_conversations(**view, *query, call.moment.now);
    return counted ? json_answer(call, *std::move(counted)) : problem(counted.error());
}

Response get(const ApiContext& context, const Call& call) {
    const auto view = context.reads.view(*call.caller.tenant, projection);
    if (!view) return problem(view.error());
    return object_answer(call, get_conversation(**view, call.parameter("id"), call.moment.now),
                         "conversation");
}

Response messages(const ApiContext& context, const Call& call) {
    const QueryParameters parameters(call);
    const auto limit = parameters.count("limit", page_limit_default, page_limit_max);
    if (!limit) return problem(limit.error());
    const MessageQuery query{.before = parameters.get("before"),
                             .after = parameters.get("after"),
                             .kind = parameters.get("kind"),
                             .direction = parameters.get("direction"),
                             .limit = *limit};
    const auto view = context.reads.view(*call.caller.tenant, projection);
    if (!view) return problem(view.error());
    const auto listed = list_messages(**view, call.parameter("id"), query);
    if (!listed) return problem(listed.error());
    return list_answer(call, *listed,
                       {.page = 1, .limit = *limit, .cursor = query.before + query.after});
}

}  // namespace

std::vector<bus::http::Route> conversation_routes(const ApiContext& context) {
    const auto route = [&](std::string path, std::string operation, std::string summary,
                           std::string schema, const std::vector<std::string>& names,
                           auto handler) {
        return bus::http::Route{
            .method = "GET",
            .pattern = "/v1/conversations" + path,
            .operation = std::move(operation),
            .summary = std::move(summary),
            .tag = "conversations",
            .parameters = document(names),
            .response_schema = std::move(schema),
            .handle = [&context, handler](const Call& call) { return handler(context, call); }};
    };
    return {route("", "listConversations", "The inbox, newest first (C-06)", "ConversationList",
                  list_names(), list),
            route("/counts", "countConversations", "Badges over the same filters (C-07)", "",
                  filter_names, counts),
            route("/:id", "getConversation", "One conversation (C-08)", "Conversation", {}, get),
            route("/:id/messages", "listMessages", "Its messages, both ways by cursor (C-08)",
                  "MessageList", message_names, messages)};
}

}  // namespace projections::api
