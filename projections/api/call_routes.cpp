// V-08, V-10, V-12: calls as lists, one by one, and as badges.
#include "projections/api/customer_text.hpp"
#include "projections/api/list_answer.hpp"
#include "projections/calls/calls_reads.hpp"
#include "projections/identity/identity_reads.hpp"

#include <algorithm>

namespace projections::api {
namespace {

using bus::http::Call;
using bus::http::problem;
using bus::http::Response;

constexpr std::string_view projection = "calls";
constexpr std::string_view phone_prefix = "phone:";

const std::vector<std::string> work_list_names = {
    "provider", "department", "status", "live", "agent", "direction", "service", "customer",
    "number",   "search",     "from",   "to",   "sort",  "page",      "limit",   "cursor"};
const std::vector<std::string> log_names = {"service", "agent", "from",  "to",   "status",
                                            "number",  "page",  "limit", "sort", "cursor"};
const std::vector<std::string> count_names = {"provider"};

// Numbers are kept as E.164 where a provider's text could be read as a number.
std::string kept_number(std::string_view text, std::string_view country) {
    const std::string key = customer_key_of_text(text, country);
    return key.starts_with(phone_prefix) ? key.substr(phone_prefix.size()) : std::string{text};
}

bus::Result<std::vector<std::string>> numbers_of_customer(const ApiContext& context,
                                                          const Call& call, std::string_view text,
                                                          std::string_view country) {
    const auto identity = context.reads.view(*call.caller.tenant, "identity");
    if (!identity) return identity.error();
    std::vector<std::string> numbers;
    for (const std::string& key :
         resolve_customer(**identity, customer_key_of_text(text, country)).keys) {
        if (key.starts_with(phone_prefix)) numbers.push_back(key.substr(phone_prefix.size()));
    }
    // A customer without a number has no calls.
    if (numbers.empty()) numbers.emplace_back();
    return numbers;
}

bus::Result<bus::Done> take_people(const ApiContext& context, const Call& call,
                                   const QueryParameters& parameters, CallQuery& query) {
    const auto tenant = context.registry.tenant(*call.caller.tenant);
    const std::string country = tenant ? tenant->country : "";
    const auto number = parameters.find("number");
    const auto customer = parameters.find("customer");
    if (number && customer)
        return bus::fail(bus::ErrorCode::invalid_input, "'number' and 'customer' exclude another");
    if (number) query.numbers = {kept_number(*number, country)};
    if (customer) {
        auto numbers = numbers_of_customer(context, call, *customer, country);
        if (!numbers) return numbers.error();
        query.numbers = *std::move(numbers);
    }
    return bus::Done{};
}

bus::Result<bus::Done> take_order(const ApiContext& context, const Call& call,
                                  const QueryParameters& parameters, CallQuery& query) {
    const std::string zone = zone_of(context, call);
    const auto from = parameters.time("from", zone);
    if (!from) return from.error();
    const auto to = parameters.time("to", zone);
    if (!to) return to.error();
    query.from = *from;
    query.to = *to;
    const std::string sort = parameters.get("sort");
    if (!sort.empty() && sort != "started_at" && sort != "-started_at")
        return bus::fail(bus::ErrorCode::invalid_input, "'sort' is one of started_at, -started_at");
    query.oldest_first = sort == "started_at";
    return bus::Done{};
}

bus::Result<CallQuery> call_query(const ApiContext& context, const Call& call,
                                  const QueryParameters& parameters) {
    CallQuery query{.provider = parameters.get("provider"),
                    .department = parameters.get("department"),
                    .status = parameters.get("status"),
                    .live = {},
                    .agent = parameters.get("agent"),
                    .direction = parameters.get("direction"),
                    .service = parameters.get("service")};
    if (const auto live = parameters.find("live")) {
        if (*live != "true" && *live != "false")
            return bus::fail(bus::ErrorCode::invalid_input, "'live' is one of true, false");
        query.live = *live == "true";
    }
    query.search = parameters.get("search");
    if (auto taken = take_people(context, call, parameters, query); !taken) return taken.error();
    if (auto taken = take_order(context, call, parameters, query); !taken) return taken.error();
    return query;
}

Response list(const ApiContext& context, const Call& call) {
    const QueryParameters parameters(call);
    const auto page = page_request(parameters);
    if (!page) return problem(page.error());
    auto query = call_query(context, call, parameters);
    if (!query) return problem(query.error());
    query->page = page->page;
    query->limit = page->limit;
    query->cursor = page->cursor;
    const auto view = context.reads.view(*call.caller.tenant, projection);
    if (!view) return problem(view.error());
    const auto listed = list_calls(**view, *query);
    return listed ? list_answer(call, *listed, *page) : problem(listed.error());
}

Response counts(const ApiContext& context, const Call& call) {
    const QueryParameters parameters(call);
    const auto view = context.reads.view(*call.caller.tenant, projection);
    if (!view) return problem(view.error());
    return json_answer(call, count_calls(**view, parameters.get("provider")));
}

Response get(const ApiContext& context, const Call& call) {
    const auto view = context.reads.view(*call.caller.tenant, projection);
    if (!view) return problem(view.error());
    return object_answer(call, get_call(**view, call.parameter("id")), "call");
}

}  // namespace

std::vector<bus::http::Route> call_routes(const ApiContext& context) {
    const auto route = [&](std::string pattern, std::string operation, std::string summary,
                           std::string schema, const std::vector<std::string>& names,
                           auto handler) {
        return bus::http::Route{
            .method = "GET",
            .pattern = std::move(pattern),
            .operation = std::move(operation),
            .summary = std::move(summary),
            .tag = "calls",
            .parameters = document(names),
            .response_schema = std::move(schema),
            .handle = [&context, handler](const Call& call) { return handler(context, call); }};
    };
    return {route("/v1/ivr-calls", "listCalls", "Calls, newest first (V-10)", "CallList",
                  work_list_names, list),
            route("/v1/ivr-calls/counts", "countCalls",
                  "Live and hung-up calls per department (V-12)", "", count_names, counts),
            route("/v1/ivr-calls/:id", "getCall", "One call (V-10)", "Call", {}, get),
            route("/v1/calls/dashboard/call-list", "listCallLog", "The call log (V-08)", "CallList",
                  log_names, list)};
}

}  // namespace projections::api
