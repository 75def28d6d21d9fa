#include "bus/envelope.hpp"

namespace bus {

void write_envelope(const Envelope& envelope, Headers& headers) {
    headers.add(header::spec_version, "1.0");
    headers.add(header::id, to_string(envelope.id));
    headers.add(header::source, to_string(envelope.source));
    headers.add(header::type, envelope.type);
    headers.add(header::time, to_iso(envelope.time));
    headers.add(header::tenant, to_string(envelope.tenant));
    headers.add(header::ingest_time, to_iso(envelope.ingest_time));
    if (!envelope.trace_parent.empty()) headers.add(header::trace_parent, envelope.trace_parent);
    if (!envelope.content_type.empty()) headers.add(header::content_type, envelope.content_type);
    if (!envelope.mapping.empty()) headers.add(header::mapping, envelope.mapping);
}

namespace {

struct Decoder {
    Envelope envelope;
    std::optional<Error> problem;
    unsigned seen = 0;

    template <class T>
    void set(T& out, Result<T> parsed, unsigned bit) {
        if (!parsed) {
            problem = parsed.error();
            return;
        }
        out = *parsed;
        seen |= 1u << bit;
    }

    void take(std::string_view name, std::string_view value) {
        if (name == header::id)
            set(envelope.id, parse_event_id(value), 0);
        else if (name == header::source)
            set(envelope.source, parse_source_id(value), 1);
        else if (name == header::type)
            envelope.type = value, seen |= 1u << 2;
        else if (name == header::time)
            set(envelope.time, from_iso(value), 3);
        else if (name == header::tenant)
            set(envelope.tenant, parse_tenant_id(value), 4);
        else if (name == header::ingest_time)
            set(envelope.ingest_time, from_iso(value), 5);
        else if (name == header::trace_parent)
            envelope.trace_parent = value;
        else if (name == header::content_type)
            envelope.content_type = value;
        else if (name == header::mapping)
            envelope.mapping = value;
    }
};

}  // namespace

Result<Envelope> read_envelope(HeadersView headers) {
    Decoder decoder;
    const bool whole = headers.for_each(
        [&](std::string_view name, std::string_view value) { decoder.take(name, value); });
    if (decoder.problem) return fail(ErrorCode::corrupt, "envelope: {}", decoder.problem->message);
    if (!whole || decoder.seen != 0b111111) {
        return fail(ErrorCode::corrupt, "envelope: a required attribute is missing or cut off");
    }
    return decoder.envelope;
}

}  // namespace bus
