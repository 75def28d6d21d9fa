// E-09, E-16, D-04: mails, their threads, and how many wait to be read.
#include "projections/api/list_answer.hpp"
#include "projections/mails/mails_reads.hpp"

namespace projections::api {
namespace {

using bus::http::Call;
using bus::http::problem;
using bus::http::Response;

constexpr std::string_view projection = "mails";

const std::vector<std::string> page_names = {"sort", "page", "limit", "cursor"};
const std::vector<std::string> thread_names = {"mailbox_id", "is_read", "search", "from", "to"};
const std::vector<std::string> mail_names = {
    "mailbox_id", "thread_id", "direction", "is_read", "sender", "search", "from", "to", "group"};

std::vector<std::string> with_page(std::vector<std::string> names) {
    names.insert(names.end(), page_names.begin(), page_names.end());
    return names;
}

bus::Error bad_word(std::string_view name, std::string_view allowed) {
    return bus::fail(bus::ErrorCode::invalid_input, "'{}' is one of {}", name, allowed);
}

bus::Result<MailQuery> mail_query(const ApiContext& context, const Call& call,
                                  const QueryParameters& parameters) {
    MailQuery query{.mailbox = parameters.get("mailbox_id"),
                    .thread = parameters.get("thread_id"),
                    .direction = parameters.get("direction"),
                    .sender = parameters.get("sender"),
                    .search = parameters.get("search")};
    if (!query.direction.empty() && query.direction != "in" && query.direction != "out")
        return bad_word("direction", "in, out");
    if (const auto is_read = parameters.find("is_read")) {
        if (*is_read != "true" && *is_read != "false") return bad_word("is_read", "true, false");
        query.is_read = *is_read == "true";
    }
    const std::string zone = zone_of(context, call);
    const auto from = parameters.time("from", zone);
    if (!from) return from.error();
    const auto to = parameters.time("to", zone);
    if (!to) return to.error();
    query.from = *from;
    query.to = *to;
    const auto sort = parameters.get("sort");
    if (!sort.empty() && sort != "at" && sort != "-at") return bad_word("sort", "at, -at");
    query.oldest_first = sort == "at";
    return query;
}

Response list(const ApiContext& context, const Call& call, bool threads) {
    const QueryParameters parameters(call);
    auto query = mail_query(context, call, parameters);
    if (!query) return problem(query.error());
    const auto group = parameters.get("group");
    if (!group.empty() && group != "thread") return problem(bad_word("group", "thread"));
    const bool by_thread = threads || group == "thread";
    if (by_thread && !(query->thread + query->direction + query->sender).empty())
        return problem(bad_word("group", "thread, without thread_id, direction and sender"));
    const auto page = page_request(parameters);
    if (!page) return problem(page.error());
    query->page = page->page;
    query->limit = page->limit;
    query->cursor = page->cursor;
    const auto view = context.reads.view(*call.caller.tenant, projection);
    if (!view) return problem(view.error());
    const auto listed = by_thread ? list_threads(**view, *query) : list_mails(**view, *query);
    return listed ? list_answer(call, *listed, *page) : problem(listed.error());
}

Response list_all_mails(const ApiContext& context, const Call& call) {
    return list(context, call, false);
}

Response list_all_threads(const ApiContext& context, const Call& call) {
    return list(context, call, true);
}

Response one_mail(const ApiContext& context, const Call& call) {
    const auto view = context.reads.view(*call.caller.tenant, projection);
    if (!view) return problem(view.error());
    return object_answer(call, get_mail(**view, call.parameter("id")), "email");
}

Response one_thread(const ApiContext& context, const Call& call) {
    const auto view = context.reads.view(*call.caller.tenant, projection);
    if (!view) return problem(view.error());
    return object_answer(call, get_thread(**view, call.parameter("id")), "email thread");
}

Response unread_count(const ApiContext& context, const Call& call) {
    const QueryParameters parameters(call);
    const auto view = context.reads.view(*call.caller.tenant, projection);
    if (!view) return problem(view.error());
    return json_answer(call, count_unread(**view, parameters.get("mailbox_id")));
}

}  // namespace

std::vector<bus::http::Route> mail_routes(const ApiContext& context) {
    const auto route = [&](std::string pattern, std::string operation, std::string summary,
                           const std::vector<std::string>& names, auto handler) {
        return bus::http::Route{
            .method = "GET",
            .pattern = "/v1/" + pattern,
            .operation = std::move(operation),
            .summary = std::move(summary),
            .tag = "emails",
            .parameters = document(names),
            .handle = [&context, handler](const Call& call) { return handler(context, call); }};
    };
    return {route("emails", "listEmails", "Mails, newest first, without bodies (E-09)",
                  with_page(mail_names), list_all_mails),
            route("emails/:id", "getEmail", "One mail and its neighbours in the thread (E-09)", {},
                  one_mail),
            route("email-threads", "listEmailThreads", "Threads by their last mail (E-16)",
                  with_page(thread_names), list_all_threads),
            route("email-threads/:id", "getEmailThread", "A thread with its mails (E-16)", {},
                  one_thread),
            route("admin/dashboard/unread-count", "getUnreadEmailCount",
                  "Mails that wait to be read, by mailbox (D-04)", {"mailbox_id"}, unread_count)};
}

}  // namespace projections::api
