#include "tools/export/record_json.hpp"

#include "bus/text.hpp"
#include "schemas/json/json.hpp"

namespace tools::exports {

using schemas::json::Writer;

namespace header = bus::header;

namespace {

void write_bytes(Writer& json, std::string_view name, std::string_view bytes) {
    if (schemas::json::is_utf8(bytes))
        json.member(name, bytes);
    else
        json.member(fmt::format("{}_base64", name), bus::to_base64(bytes));
}

void write_present(Writer& json, std::string_view name, bus::HeadersView headers,
                   std::string_view header) {
    const auto value = headers.find(header);
    if (value && !value->empty()) json.member(name, *value);
}

void write_kept_headers(Writer& json, bus::HeadersView headers) {
    json.key("headers").begin_object();
    headers.for_each([&](std::string_view name, std::string_view value) {
        if (name.starts_with(header::http_prefix))
            json.member(name.substr(header::http_prefix.size()), value);
    });
    json.end_object();
}

void write_value(Writer& json, schemas::Field field, const schemas::FieldValue& value) {
    json.key(schemas::name(field));
    switch (value.kind) {
        case schemas::FieldValue::Kind::integer:
            json.integer(value.number);
            break;
        case schemas::FieldValue::Kind::boolean:
            json.boolean(value.number != 0);
            break;
        case schemas::FieldValue::Kind::time:
            json.time(value.time());
            break;
        default:
            json.text(value.text);
    }
}

}  // namespace

std::string record_line(const bus::RecordView& record, const bus::Envelope& envelope,
                        std::string_view source_slug) {
    const bus::HeadersView headers = record.headers;
    std::string line;
    Writer json(line);
    json.begin_object();
    if (headers.get(header::value_is) == "query")
        json.member("query", record.value);
    else
        write_bytes(json, "body", record.value);
    write_present(json, "method", headers, header::method);
    write_present(json, "path", headers, header::path);
    write_present(json, "query", headers, header::query);
    write_present(json, "content_type", headers, header::content_type);
    write_kept_headers(json, headers);
    json.key("record").begin_object();
    json.member("id", to_string(envelope.id)).member("source", source_slug);
    json.member("address", to_string(record.address)).member("mapping", envelope.mapping);
    json.member("time", envelope.time).member("received_at", envelope.ingest_time);
    write_present(json, "verified", headers, header::verified);
    json.end_object().end_object();
    return line;
}

std::string other_line(const bus::RecordView& record) {
    std::string line;
    Writer json(line);
    json.begin_object().member("address", to_string(record.address));
    json.key("headers").begin_object();
    record.headers.for_each(
        [&](std::string_view name, std::string_view value) { json.member(name, value); });
    json.end_object();
    write_bytes(json, "value", record.value);
    json.end_object();
    return line;
}

std::string event_line(const schemas::Event& event) {
    std::string line;
    Writer json(line);
    json.begin_object().member("id", to_string(event.id)).member("type", event.type_name);
    json.member("time", event.time).member("time_is_ingest", event.time_is_ingest);
    json.member("received_at", event.ingest_time).member("source", event.source_slug);
    json.member("record", to_string(event.raw_id)).member("address", to_string(event.address));
    json.key("fields").begin_object();
    for (const auto& [field, value] : event.fields)
        if (value) write_value(json, field, value);
    json.end_object().key("raw").begin_object();
    for (const auto& [field, word] : event.raw_words) json.member(schemas::name(field), word);
    json.end_object().key("keys").begin_array();
    for (const schemas::IdentityKey& key : event.keys)
        json.begin_object().member("kind", name(key.kind)).member("key", key.text).end_object();
    json.end_array().end_object();
    return line;
}

}  // namespace tools::exports
