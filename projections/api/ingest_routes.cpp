// S-02, S-03, S-05: what came in, what was made of it, and what could not be mapped.
#include "bus/envelope.hpp"
#include "projections/api/list_answer.hpp"
#include "projections/dead_letters/dead_letters_reads.hpp"
#include "projections/ingest/events_reads.hpp"
#include "projections/ingest/requests_reads.hpp"
#include "schemas/json/json.hpp"
#include "schemas/mail/mail_reader.hpp"

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
const std::vector<std::string> dead_letter_names = {"source", "from",  "to",
                                                    "page",   "limit", "cursor"};

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
    return listed ? list_answer(context, call, *listed, *page) : problem(listed.error());
}

Response list_of_requests(const ApiContext& context, const Call& call) {
    const auto parameters = QueryParameters::parse(call, request_names);
    if (!parameters) return problem(parameters.error());
    const std::string status = parameters->get("status");
    if (!status.empty() && status != "accepted" && status != "rejected")
        return problem(
            bus::fail(bus::ErrorCode::invalid_input, "'status' is one of accepted, rejected"));
    return list(context, call, requests, *parameters,
                RequestQuery{.rejected = status == "rejected"}, list_requests);
}

Response list_of_events(const ApiContext& context, const Call& call) {
    const auto parameters = QueryParameters::parse(call, event_names);
    if (!parameters) return problem(parameters.error());
    return list(context, call, events, *parameters, EventQuery{.type = parameters->get("type")},
                list_events);
}

Response list_of_dead_letters(const ApiContext& context, const Call& call) {
    const auto parameters = QueryParameters::parse(call, dead_letter_names);
    if (!parameters) return problem(parameters.error());
    return list(context, call, dead_letters, *parameters, DeadLetterQuery{}, list_dead_letters);
}

Response request(const ApiContext& context, const Call& call) {
    const auto view = context.reads.view(*call.caller.tenant, requests);
    if (!view) return problem(view.error());
    return object_answer(context, call, get_request(**view, call.parameter("id")), "request");
}

// The record at an address if it is still there and the caller's; gone when it is not.
bus::Result<bus::OwnedRecord> read_record(const ApiContext& context, const Call& call,
                                          const bus::Address& address) {
    auto record = context.log.read_at(address);
    if (!record && record.error().code != bus::ErrorCode::not_found) return record.error();
    if (record) {
        const auto envelope = bus::read_envelope(record->headers);
        if (!envelope) return envelope.error();
        if (!record->tombstone && envelope->tenant == *call.caller.tenant) return record;
    }
    return bus::fail(bus::ErrorCode::gone, "the log no longer has the record");
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
    auto record = read_record(context, call, *address);
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

void write_value(Writer& writer, schemas::Field field, const schemas::FieldValue& value) {
    writer.key(schemas::name(field));
    switch (value.kind) {
        case schemas::FieldValue::Kind::integer:
            writer.integer(value.number);
            break;
        case schemas::FieldValue::Kind::boolean:
            writer.boolean(value.number != 0);
            break;
        case schemas::FieldValue::Kind::time:
            writer.time(value.time());
            break;
        default:
            writer.text(value.text);
    }
}

void write_event(Writer& writer, const schemas::Event& event) {
    writer.member("raw_id", bus::to_string(event.raw_id));
    writer.member("received_at", event.ingest_time).member("time_is_ingest", event.time_is_ingest);
    writer.key("fields").begin_object();
    for (const auto& [field, value] : event.fields) {
        if (value) write_value(writer, field, value);
    }
    writer.end_object();
    writer.key("raw").begin_object();
    for (const auto& [field, word] : event.raw_words) writer.member(schemas::name(field), word);
    writer.end_object();
    writer.key("keys").begin_array();
    for (const schemas::IdentityKey& key : event.keys) {
        writer.begin_object().member("kind", schemas::name(key.kind)).member("key", key.text);
        writer.end_object();
    }
    writer.end_array();
    writer.key("warnings").begin_array();
    for (const schemas::Warning& warning : event.warnings) {
        writer.begin_object().member("field", warning.field).member("reason", warning.reason);
        writer.end_object();
    }
    writer.end_array();
}

// The members that only mapping the record again can tell, as one JSON object.
bus::Result<std::string> map_again(const ApiContext& context, const IndexedEvent& indexed,
                                   const bus::OwnedRecord& owned) {
    const bus::RecordView record{
        .address = owned.address, .key = owned.key, .headers = owned.headers, .value = owned.value};
    const auto envelope = bus::read_envelope(record.headers);
    if (!envelope) return envelope.error();
    const auto mapping = context.registry.bound_mapping(envelope->mapping);
    if (!mapping)
        return bus::fail(bus::ErrorCode::unavailable, "the record's mapping is not known here yet");
    const auto source = context.registry.source(envelope->source);
    schemas::Scratch scratch{schemas::mail::read_mail};
    const schemas::Mapped& mapped =
        mapping->map(record, *envelope, source ? source->slug : "", scratch);
    for (const schemas::Event& event : mapped.events) {
        if (event.id != indexed.id) continue;
        std::string out;
        Writer writer{out};
        writer.begin_object();
        write_event(writer, event);
        writer.end_object();
        return out;
    }
    return bus::fail(bus::ErrorCode::corrupt, "the record no longer maps to the event");
}

Response event(const ApiContext& context, const Call& call) {
    const auto view = context.reads.view(*call.caller.tenant, events);
    if (!view) return problem(view.error());
    const auto indexed = get_event(**view, call.parameter("id"));
    if (!indexed) return problem(404, "not_found", "there is no such event");
    auto record = read_record(context, call, indexed->address);
    if (!record) return problem(record.error());
    record->value.reserve(record->value.size() + 64);  // what mappings may read past the end
    const auto told = map_again(context, *indexed, *record);
    if (!told) return problem(told.error());
    std::string shown = indexed->shown;
    shown.back() = ',';
    shown.append(*told, 1);
    return object_answer(context, call, shown, "event");
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
    return {route("ingest/requests", "listRequests",
                  "Inbound requests, accepted or rejected, newest first (S-03)", "RequestList",
                  request_names, list_of_requests),
            route("ingest/requests/:id", "getRequest", "One inbound request (S-03)", "Request", {},
                  request),
            route("ingest/requests/:id/raw", "getRequestBytes", "Its body as it came (S-03)", "",
                  {}, raw_bytes),
            route("events", "listEvents", "Canonical events, newest first (S-02)", "EventList",
                  event_names, list_of_events),
            route("events/:id", "getEvent", "One event, mapped again from its record (S-02)",
                  "Event", {}, event),
            route("quarantine", "listDeadLetters", "What could not be mapped, newest first (S-05)",
                  "DeadLetterList", dead_letter_names, list_of_dead_letters)};
}

}  // namespace projections::api
