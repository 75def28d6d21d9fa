// S-02, S-03, S-05: what came in, what was made of it, and what could not be mapped.
#include "projections/api/event_graph.hpp"
#include "projections/api/list_answer.hpp"
#include "projections/api/mapped_record.hpp"
#include "projections/dead_letters/dead_letters_reads.hpp"
#include "projections/ingest/events_reads.hpp"
#include "projections/ingest/requests_reads.hpp"
#include "schemas/json/json.hpp"

#include <algorithm>

namespace projections::api {
namespace {

using bus::http::Call;
using bus::http::problem;
using bus::http::Response;
using schemas::json::Writer;

constexpr std::string_view requests = "ingest";
constexpr std::string_view events = "events";
constexpr std::string_view dead_letters = "dead_letters";
constexpr std::string_view unknown_content_type = "application/octet-stream";

const std::vector<std::string> request_names = {"status", "source", "from",  "to",
                                                "page",   "limit",  "cursor"};
const std::vector<std::string> event_names = {"type", "source", "from",  "to",
                                              "page", "limit",  "cursor"};
const std::vector<std::string> dead_letter_names = {"status", "source", "from",  "to",
                                                    "page",   "limit",  "cursor"};

// What all three lists are asked with, beside words of their own.
template <class Query>
bus::Result<PageRequest> take_range(const ApiContext& context, const Call& call,
                                    const QueryParameters& parameters, Query& query) {
    const std::string zone = zone_of(context, call);
    const auto from = parameters.time("from", zone);
    if (!from) return from.error();
    const auto to = parameters.time("to", zone);
    if (!to) return to.error();
    const auto page = page_request(parameters);
    if (!page) return page.error();
    query.source = parameters.get("source");
    query.from = *from;
    query.to = *to;
    query.page = page->page;
    query.limit = page->limit;
    query.cursor = page->cursor;
    return *page;
}

template <class Query>
Response list(const ApiContext& context, const Call& call, std::string_view projection,
              const QueryParameters& parameters, Query query,
              bus::Result<ListPage> (*read)(const ReadView&, const Query&)) {
    const auto page = take_range(context, call, parameters, query);
    if (!page) return problem(page.error());
    const auto view = context.reads.view(*call.caller.tenant, projection);
    if (!view) return problem(view.error());
    const auto listed = read(**view, query);
    return listed ? list_answer(call, *listed, *page) : problem(listed.error());
}

Response list_of_requests(const ApiContext& context, const Call& call) {
    const QueryParameters parameters(call);
    const std::string status = parameters.get("status");
    if (!status.empty() && status != "accepted" && status != "rejected")
        return problem(
            bus::fail(bus::ErrorCode::invalid_input, "'status' is one of accepted, rejected"));
    return list(context, call, requests, parameters, RequestQuery{.rejected = status == "rejected"},
                list_requests);
}

Response list_of_events(const ApiContext& context, const Call& call) {
    const QueryParameters parameters(call);
    return list(context, call, events, parameters, EventQuery{.type = parameters.get("type")},
                list_events);
}

Response list_of_dead_letters(const ApiContext& context, const Call& call) {
    const QueryParameters parameters(call);
    const std::string status = parameters.get("status");
    if (!status.empty() && status != "open" && status != "discarded")
        return problem(
            bus::fail(bus::ErrorCode::invalid_input, "'status' is one of open, discarded"));
    return list(context, call, dead_letters, parameters,
                DeadLetterQuery{.discarded = status == "discarded"}, list_dead_letters);
}

Response dead_letter(const ApiContext& context, const Call& call) {
    const auto view = context.reads.view(*call.caller.tenant, dead_letters);
    if (!view) return problem(view.error());
    return object_answer(call, get_dead_letter(**view, call.parameter("id")), "dead letter");
}

Response request(const ApiContext& context, const Call& call) {
    const auto view = context.reads.view(*call.caller.tenant, requests);
    if (!view) return problem(view.error());
    return object_answer(call, get_request(**view, call.parameter("id")), "request");
}

// As it was sent, unless it would not be a header value.
std::string content_type_of(const bus::OwnedRecord& record) {
    const bus::HeadersView headers = record.headers;
    if (headers.get(bus::header::value_is) == "query") return "application/x-www-form-urlencoded";
    const std::string_view told = headers.get(bus::header::content_type);
    const bool sendable =
        std::all_of(told.begin(), told.end(), [](char c) { return c >= ' ' && c <= '~'; });
    return std::string{told.empty() || !sendable ? unknown_content_type : told};
}

Response raw_bytes(const ApiContext& context, const Call& call) {
    const auto view = context.reads.view(*call.caller.tenant, requests);
    if (!view) return problem(view.error());
    const auto shown = get_request(**view, call.parameter("id"));
    if (!shown) return problem(404, "not_found", "there is no such request");
    schemas::json::Parser parser;
    const auto document = parser.parse(*shown);
    if (!document) return problem(document.error());
    const auto address = bus::parse_address((*document)["address"].text());
    if (!address) return problem(address.error());
    auto record = read_record(context.log, context.registry, *address, *call.caller.tenant);
    if (!record) return problem(record.error());
    Response response;
    response.content_type = content_type_of(*record);
    // Bytes of strangers: never shown by a browser as a page of ours.
    response.headers = {{"X-Content-Type-Options", "nosniff"},
                        {"Content-Disposition",
                         fmt::format("attachment; filename=\"{}\"", (*document)["id"].text())},
                        {"Content-Security-Policy", "sandbox"}};
    response.body = std::move(record->value);
    return response;
}

Response event(const ApiContext& context, const Call& call) {
    const auto view = context.reads.view(*call.caller.tenant, events);
    if (!view) return problem(view.error());
    const auto indexed = get_event(**view, call.parameter("id"));
    if (!indexed) return problem(404, "not_found", "there is no such event");
    auto record = read_record(context.log, context.registry, indexed->address, *call.caller.tenant);
    if (!record) return problem(record.error());
    const auto mapped = MappedRecord::map_for(*std::move(record), context.registry, indexed->id);
    if (!mapped) return problem(mapped.error());
    std::string members;
    Writer writer{members};
    writer.begin_object();
    write_event(writer, *mapped->find(indexed->id));
    writer.end_object();
    std::string shown = indexed->shown;
    shown.back() = ',';
    shown.append(members, 1);
    return object_answer(call, shown, "event");
}

Response graph(const ApiContext& context, const Call& call) {
    const auto tree = event_graph(context, *call.caller.tenant, std::string(call.parameter("id")));
    if (!tree) return problem(tree.error());
    return json_answer(call, R"({"graph":)" + to_json(*tree) + "}");
}

}  // namespace

std::vector<bus::http::Route> ingest_routes(const ApiContext& context) {
    const auto route = [&](std::string pattern, std::string operation, std::string summary,
                           std::string schema, const std::vector<std::string>& names,
                           auto handler) {
        return bus::http::Route{
            .method = "GET",
            .pattern = "/v1/" + pattern,
            .operation = std::move(operation),
            .summary = std::move(summary),
            .tag = "ingest",
            .parameters = document(names),
            .response_schema = std::move(schema),
            .handle = [&context, handler](const Call& call) { return handler(context, call); }};
    };
    auto raw = route("ingest/requests/:id/raw", "getRequestBytes", "Its body as it came (S-03)", "",
                     {}, raw_bytes);
    raw.response_type = "*/*";
    return {route("ingest/requests", "listRequests",
                  "Inbound requests, accepted or rejected, newest first (S-03)", "RequestList",
                  request_names, list_of_requests),
            route("ingest/requests/:id", "getRequest", "One inbound request (S-03)", "Request", {},
                  request),
            std::move(raw),
            route("events", "listEvents", "Canonical events, newest first (S-02)", "EventList",
                  event_names, list_of_events),
            route("events/:id", "getEvent", "One event, mapped again from its record (S-02)",
                  "Event", {}, event),
            route("events/:id/graph", "getEventGraph",
                  "What an event or a request came from and what it changed (S-02)", "EventGraph",
                  {}, graph),
            route("quarantine", "listDeadLetters",
                  "What could not be mapped, open or discarded, newest first (S-05)",
                  "DeadLetterList", dead_letter_names, list_of_dead_letters),
            route("quarantine/:id", "getDeadLetter", "One dead letter, open or discarded (S-05)",
                  "DeadLetter", {}, dead_letter)};
}

}  // namespace projections::api
