#include "producers/raw_record.hpp"

#include "bus/crypto/digest.hpp"
#include "bus/envelope.hpp"
#include "bus/text.hpp"
#include "producers/body_form.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace producers {

namespace header = bus::header;

namespace {

constexpr std::size_t headers_bytes_typical = 640;  // one allocation for most records
constexpr std::size_t content_type_bytes_max = 256;
constexpr std::size_t detail_bytes_max = 512;
constexpr std::size_t target_bytes_max = 16 * 1024;
constexpr std::size_t trace_parent_bytes = 55;  // W3C trace context, version 00
constexpr std::size_t header_name_bytes_max = 255;
constexpr std::size_t header_value_bytes_max = 65'535;
constexpr std::string_view by_claim_note =
    "; the body is not kept, as nothing proves that it is meant for this source";
constexpr std::string_view unknown_credential = "-";

// What comes from outside. The edge's own bounds are far below these, which the log insists on.
void add_bounded(bus::Headers& headers, std::string_view name, std::string_view value) {
    headers.add(name.substr(0, header_name_bytes_max), value.substr(0, header_value_bytes_max));
}

std::string stored_path(const RequestView& request, const PathEntry& path) {
    if (path.end == PathEnd::token) return path.pattern;
    return std::string(request.path.substr(0, target_bytes_max));
}

std::string hex(const bus::DedupKey& key) {
    return bus::to_hex({reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size()});
}

void add_kept_headers(const Admitted& in, bus::Headers& headers) {
    std::string name;
    for (const std::string& kept : in.gate.kept_headers) {
        const auto value = in.request.field(kept);
        if (value.empty()) continue;
        name.assign(header::http_prefix).append(kept);
        add_bounded(headers, name, value);
    }
}

void add_trace(const RequestView& request, bus::Headers& headers) {
    const auto trace = request.field("traceparent");
    if (trace.size() == trace_parent_bytes) headers.add(header::trace_parent, trace);
}

// The dedup key of a request, and whether it is made of configured paths.
struct Dedup {
    bus::DedupKey key;
    bool of_paths = false;
};

Payload payload_of(const Admitted& in) {
    if (in.document) return {in.document};
    const BodyForm form = body_form(in.request, in.gate.kind->topic);
    if (form == BodyForm::form) return {{}, in.request.body};
    if (form == BodyForm::query) return {{}, in.request.query};
    return {};
}

// None where one of the paths finds none. Of several paths that find many, how many each found is
// one more, unless the number of all tells: keys in the log stay what they are.
std::vector<std::string> path_values(const Admitted& in) {
    const std::vector<JsonPath>& paths = in.gate.dedup_paths;
    const std::size_t values_max = in.gate.dedup_values_max;
    const Payload payload = payload_of(in);
    std::vector<std::string> values;
    std::string counts;
    for (const JsonPath& path : paths) {
        const std::size_t before = values.size();
        if (!path.collect(in.request, payload, values, values_max) || values.size() > values_max)
            return {};
        counts.append(fmt::format_int(values.size() - before).c_str()).append(",");
    }
    const auto many = std::count_if(paths.begin(), paths.end(),
                                    [](const JsonPath& path) { return path.finds_many(); });
    if (many > 1 && values.size() > paths.size()) values.push_back(std::move(counts));
    return values;
}

Dedup dedup_of(const Admitted& in, std::string_view path, std::string_view query,
               const bus::crypto::HmacKey& key) {
    const schemas::Source& source = *in.gate.source;
    if (in.imported && !in.imported->key.empty()) {
        const std::array<std::string_view, 1> parts{in.imported->key};
        return {fingerprint(key, source.tenant, source.id, 'k', parts), true};
    }
    if (const auto values = path_values(in); !values.empty()) {
        const std::vector<std::string_view> parts(values.begin(), values.end());
        return {fingerprint(key, source.tenant, source.id, 'p', parts), true};
    }
    // What other bodies have in common with this part makes them no copies of it.
    if (!in.whole.empty()) {
        const std::array<std::string_view, 5> parts{in.request.method, path, query, in.whole,
                                                    in.request.body};
        return {fingerprint(key, source.tenant, source.id, 's', parts), false};
    }
    const std::array<std::string_view, 4> parts{in.request.method, path, query, in.request.body};
    return {fingerprint(key, source.tenant, source.id, 'h', parts), false};
}

std::string verified_by(const Admitted& in) {
    std::string verified(in.imported ? "imported" : in.gate.verifier->scheme());
    verified.append(":").append(in.imported ? in.imported->by : in.secret_id);
    return verified;
}

std::string_view credential_parameter(const SourceGate& gate) {
    return gate.verifier ? gate.verifier->credential_parameter() : std::string_view{};
}

}  // namespace

std::string_view name(Cause cause) {
    constexpr std::string_view names[] = {
        "source_disabled",    "verification_failed", "method_not_allowed",
        "type_not_supported", "too_large",           "unparsable",
        "rate_limited",       "unknown_source",      "several_tenants"};
    return names[static_cast<std::size_t>(cause)];
}

bus::DedupKey fingerprint(const bus::crypto::HmacKey& key, bus::TenantId tenant,
                          bus::SourceId source, char kind,
                          std::span<const std::string_view> parts) {
    thread_local std::string text;
    text.clear();
    const auto add_number = [&](const auto& value) {
        text.append(reinterpret_cast<const char*>(&value), sizeof value);
    };
    add_number(tenant.value);
    add_number(source.value);
    text += kind;
    std::string_view last;  // often a whole body: not copied
    for (std::string_view part : parts) {
        text += std::exchange(last, part);
        add_number(static_cast<std::uint32_t>(part.size()));
    }
    const std::string mac = key.sign({text, last});
    bus::DedupKey out;
    __builtin_memcpy(out.bytes.data(), mac.data(), out.bytes.size());
    return out;
}

std::string redact_query(std::string_view query, std::string_view parameter,
                         std::string_view replacement) {
    if (parameter.empty()) return std::string(query);
    std::string out;
    bool replaced = false;
    while (!query.empty()) {
        const auto end = std::min(query.find('&'), query.size());
        const auto pair = query.substr(0, end);
        const auto name = pair.substr(0, pair.find('='));
        query.remove_prefix(std::min(query.size(), end + 1));
        const bool is_credential = bus::percent_decode(name, true) == parameter;
        if (is_credential && std::exchange(replaced, true)) continue;
        if (!out.empty()) out += '&';
        if (is_credential)
            out.append(name).append("=").append(replacement);
        else
            out += pair;
    }
    return out;
}

namespace {

// Of a request whose fields are what was signed.
bus::NewRecord record_of(const Admitted& in, const RecordTime& when,
                         const bus::crypto::HmacKey& dedup_key) {
    const SourceGate& gate = in.gate;
    const std::string path = stored_path(in.request, in.path);
    std::string query = redact_query(in.request.query, credential_parameter(gate), in.secret_id);
    const Dedup dedup = dedup_of(in, path, query, dedup_key);

    std::string bytes;
    bytes.reserve(headers_bytes_typical);
    bytes += gate.fixed_headers;
    bus::Headers headers = bus::Headers::from_bytes(std::move(bytes));
    const std::string time = bus::to_iso(when.now);
    headers.add(header::id, to_string(when.id));
    headers.add(header::time, time);
    headers.add(header::ingest_time, time);
    add_trace(in.request, headers);
    const auto content_type = in.request.field("content-type");
    if (!content_type.empty())
        headers.add(header::content_type, content_type.substr(0, content_type_bytes_max));
    headers.add(header::dedup, hex(dedup.key));
    headers.add(header::dedup_kind, dedup.of_paths ? "paths" : "hash");
    const std::int64_t window_s = in.imported ? 0 : gate.source->dedup_window_s;  // 0 = unlimited
    headers.add(header::dedup_window, fmt::format_int(window_s).c_str());
    headers.add(header::verified, verified_by(in));
    add_bounded(headers, header::method, in.request.method);
    headers.add(header::path, path);
    const bool value_is_query =
        gate.kind->body_is_query || (in.request.method == "GET" && in.request.body.empty());
    if (value_is_query)
        headers.add(header::value_is, "query");
    else if (!query.empty())
        add_bounded(headers, header::query, query);
    if (!in.whole.empty()) mark_part(in.whole, headers);
    add_kept_headers(in, headers);

    bus::NewRecord record{.topic = gate.source->topic,
                          .partition = gate.partition,
                          .key = gate.tenant_text,
                          .headers = std::move(headers),
                          .value = value_is_query ? std::move(query) : std::string(in.request.body),
                          .dedup = dedup.key,
                          .ingest_time = when.now};
    record.dedup_window = bus::seconds{window_s > 0 ? window_s : 100LL * 365 * 24 * 3600};
    return record;
}

}  // namespace

bus::NewRecord raw_record(const Admitted& in, const RecordTime& when,
                          const bus::crypto::HmacKey& dedup_key) {
    if (!in.gate.verifier || !in.gate.verifier->has_two_names())
        return record_of(in, when, dedup_key);
    const auto fields = verify::Verifier::signed_fields(in.request);
    RequestView request = in.request;
    request.fields = fields;
    return record_of({.request = request,
                      .gate = in.gate,
                      .path = in.path,
                      .secret_id = in.secret_id,
                      .document = in.document,
                      .imported = in.imported,
                      .whole = in.whole},
                     when, dedup_key);
}

void mark_part(std::string_view whole, bus::Headers& headers) {
    headers.add(header::value_is, bus::value_is_part);
    headers.add(header::whole, whole);
}

bus::NewRecord rejected_record(const RequestView& request, const PathEntry& path,
                               const SourceGate* gate, const Refusal& refusal,
                               const RecordTime& when, bus::PartitionId partitions,
                               std::size_t body_bytes_max) {
    const bus::TenantId tenant = gate ? gate->source->tenant : bus::platform_tenant;
    bus::NewRecord record;
    record.topic = bus::Topic::rejected;
    record.key = to_string(tenant);
    record.partition = bus::partition_of(record.key, partitions);
    record.ingest_time = when.now;
    const std::size_t kept = refusal.by_claim ? 0 : body_bytes_max;
    record.value = refusal.verified ? request.body : request.body.substr(0, kept);
    write_envelope({.id = when.id,
                    .tenant = tenant,
                    .source = gate ? gate->source->id : bus::SourceId{},
                    .type = bus::rejected_event_type,
                    .time = when.now,
                    .ingest_time = when.now,
                    .trace_parent = {},
                    .content_type = request.field("content-type").substr(0, content_type_bytes_max),
                    .mapping = {}},
                   record.headers);
    record.headers.add(header::cause, name(refusal.cause));
    record.headers.add(header::status, fmt::format_int(refusal.status).c_str());
    std::string detail(refusal.detail.substr(0, detail_bytes_max));
    if (refusal.by_claim) detail += by_claim_note;
    record.headers.add(header::detail, detail);
    add_bounded(record.headers, header::method, request.method);
    record.headers.add(header::path, stored_path(request, path));
    // What an unknown sender puts into the query may be anybody's credential: left out.
    if (gate && gate->verifier && !refusal.by_claim && !request.query.empty()) {
        const auto replacement = refusal.verified ? refusal.secret_id : unknown_credential;
        add_bounded(
            record.headers, header::query,
            redact_query(request.query, gate->verifier->credential_parameter(), replacement));
    }
    return record;
}

}  // namespace producers
