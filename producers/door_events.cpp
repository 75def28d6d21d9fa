// POST /v1/events and /v1/events/batch: trusted programs publish canonical events (W-18).
#include "bus/crypto/digest.hpp"
#include "bus/envelope.hpp"
#include "bus/text.hpp"
#include "producers/door.hpp"
#include "schemas/type_topic.hpp"

#include <array>

namespace producers {

using bus::ErrorCode;
using bus::fail;
using bus::http::problem;

namespace {

// The kind of the source that each tenant has for its own programs.
constexpr std::string_view events_kind = "cloudevents";

}  // namespace

struct Door::Publisher {
    SourceGate* gate = nullptr;
    std::string key_id;
};

Answered Door::refuse_events(int status, std::string_view code, std::string_view detail) const {
    return {problem(status, code, detail), {}};
}

bus::Result<Door::Publisher> Door::authenticate(const RequestView& request) {
    const auto key_text = request.field("x-api-key");
    const auto code = request.field("x-client-code");
    if (key_text.empty() || code.empty())
        return fail(ErrorCode::unauthenticated, "send x-api-key and x-client-code");
    const std::string hash = bus::to_hex(bus::crypto::view(bus::crypto::sha256(key_text)));
    auto key = ports_.registry.api_key_by_hash(hash);
    if (!key) {
        catch_up();
        key = ports_.registry.api_key_by_hash(hash);
    }
    if (!key || key->revoked || !bus::crypto::equal_constant_time(key->hash, hash))
        return fail(ErrorCode::unauthenticated, "x-api-key is unknown or revoked");
    const auto tenant = ports_.registry.tenant_by_code(bus::to_lower_ascii(code));
    if (!tenant || tenant->id != key->tenant || tenant->status != "active")
        return fail(ErrorCode::forbidden, "x-api-key is not a key of the client x-client-code");
    for (const auto& source : ports_.registry.sources_of_kind(tenant->id, events_kind))
        if (source->enabled) return Publisher{&gate_of(source), key->id};
    return fail(ErrorCode::not_found,
                "this client has no enabled source of kind {}; create it with POST /v1/sources",
                events_kind);
}

Decision Door::events(const RequestView& request, bool batch) {
    if (request.method != "POST") {
        auto refusal = refuse_events(405, "method_not_allowed", "send events with POST");
        refusal.response.headers.emplace_back("Allow", "POST");
        return refusal;
    }
    auto publisher = authenticate(request);
    if (!publisher) return Answered{problem(publisher.error()), {}};
    SourceGate& gate = *publisher->gate;
    if (!gate.kind || !gate.fault.empty()) {
        probe_.unusable_source();
        return refuse_events(503, "source_unusable", "events cannot be taken; send them again");
    }
    const EventsForm form = events_form(request, batch);
    if (form == EventsForm::unsupported || !request.field("content-encoding").empty()) {
        return refuse_events(
            415, "type_not_supported",
            "send CloudEvents: binary (ce-* headers), application/cloudevents+json,"
            " application/cloudevents-batch+json or application/x-ndjson");
    }
    auto parsed =
        parse_events(request, form, parser_, options_.limits.json, options_.limits.batch_items_max);
    if (!parsed) return refuse_events(400, "unparsable", parsed.error().message);
    if (parsed->empty()) return refuse_events(400, "unparsable", "there is no event in the body");
    if (parsed->size() > options_.limits.batch_items_max) {
        return refuse_events(
            413, "too_large",
            fmt::format("at most {} events in one request", options_.limits.batch_items_max));
    }
    if (!gate.rate.take(now_, static_cast<double>(parsed->size())))
        return refuse_events(429, "rate_limited", "too many events for this client; slow down");

    AcceptedEvents accepted{.items = {},
                            .partition = gate.partition,
                            .batch = form == EventsForm::array || form == EventsForm::lines};
    accepted.items.reserve(parsed->size());
    for (const CloudEvent& event : *parsed) accepted.items.push_back(event_item(event, *publisher));
    probe_.events(accepted.items.size());
    return accepted;
}

// The attributes are kept like headers of a binary-mode request whatever the form, so that a
// mapping finds them in one place.
EventItem Door::event_item(const CloudEvent& event, const Publisher& publisher) {
    EventItem item{.record = {}, .sender_id = std::string(event.attribute("id")), .detail = {}};
    if (!event.problem.empty()) {
        item.status = 400;
        item.detail = event.problem;
        return item;
    }
    const SourceGate& gate = *publisher.gate;
    const std::array<std::string_view, 2> parts{event.attribute("source"), event.attribute("id")};
    const bus::DedupKey dedup =
        fingerprint(dedup_key_, gate.source->tenant, gate.source->id, 'e', parts);
    bus::Headers headers = bus::Headers::from_bytes(gate.fixed_headers);
    namespace header = bus::header;
    const std::string time = bus::to_iso(now_);
    headers.add(header::id, to_string(ports_.ids.next_event_id(now_)));
    headers.add(header::time, time);
    headers.add(header::ingest_time, time);
    headers.add(header::content_type, event.content_type.empty()
                                          ? std::string_view("application/json")
                                          : std::string_view(event.content_type));
    headers.add(header::dedup, bus::to_hex({reinterpret_cast<const char*>(dedup.bytes.data()),
                                            dedup.bytes.size()}));
    headers.add(header::dedup_kind, "paths");
    headers.add(header::dedup_window, fmt::format_int(gate.source->dedup_window_s).c_str());
    headers.add(header::verified, "api_key:" + publisher.key_id);
    headers.add(header::method, "POST");
    headers.add(header::path, "/v1/events");
    for (const auto& [name, value] : event.attributes)
        headers.add(std::string(header::http_prefix) + "ce-" + name, value);

    item.record = bus::NewRecord{.topic = schemas::topic_of_type(event.attribute("type")),
                                 .partition = gate.partition,
                                 .key = gate.tenant_text,
                                 .headers = std::move(headers),
                                 .value = event.body,
                                 .dedup = dedup,
                                 .ingest_time = now_};
    const auto window_s = gate.source->dedup_window_s;
    item.record->dedup_window = bus::seconds{window_s > 0 ? window_s : 100LL * 365 * 24 * 3600};
    return item;
}

}  // namespace producers
