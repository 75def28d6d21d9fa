// Maps one request through a mapping given as text, and shows the outcome; the mappings that tests
// share.
#pragma once

#include "schemas/mapping.hpp"

#include <doctest/doctest.h>

#include <string>

namespace schemas::testing {

struct Request {
    std::string body{};
    std::string content_type = "application/json";
    bool is_query = false;
    std::string url_query{};
    std::vector<std::pair<std::string, std::string>> headers{};
};

inline constexpr bus::Timestamp ingest_time{bus::microseconds{1'700'000'000'000'000}};

class Mapper {
public:
    explicit Mapper(std::string_view yaml, const SourceSettings& settings = {},
                    BodyReader mail_reader = nullptr)
        : scratch_(mail_reader) {
        auto mapping = Mapping::compile(yaml, "test.yaml");
        REQUIRE_MESSAGE(mapping, (mapping ? "" : mapping.error().message));
        auto bound = BoundMapping::bind(*mapping, settings);
        REQUIRE_MESSAGE(bound, (bound ? "" : bound.error().message));
        bound_ = *bound;
    }

    const Mapped& map(const Request& request) {
        padded_ = request.body + std::string(64, '\0');
        headers_ = {};
        if (request.is_query) headers_.add(bus::header::value_is, "query");
        if (!request.url_query.empty()) headers_.add(bus::header::query, request.url_query);
        for (const auto& [name, value] : request.headers) headers_.add("h_" + name, value);
        bus::RecordView record;
        record.value = std::string_view(padded_).substr(0, request.body.size());
        record.headers = headers_.view();
        bus::Envelope envelope;
        envelope.id.bytes[0] = 7;
        envelope.tenant.value = 11;
        envelope.source.value = 22;
        envelope.ingest_time = ingest_time;
        envelope.content_type = request.content_type;
        return bound_->map(record, envelope, "front-desk", scratch_);
    }
    const Mapped& map(std::string_view json) { return map(Request{.body = std::string(json)}); }

    const BoundMapping& bound() const { return *bound_; }
    Scratch& scratch() { return scratch_; }

private:
    std::shared_ptr<const BoundMapping> bound_;
    Scratch scratch_;
    bus::Headers headers_;
    std::string padded_;
};

inline std::string show(const FieldValue& value) {
    switch (value.kind) {
        case FieldValue::Kind::absent:
            return "-";
        case FieldValue::Kind::text:
            return std::string(value.text);
        case FieldValue::Kind::integer:
            return std::to_string(value.number);
        case FieldValue::Kind::boolean:
            return value.number ? "true" : "false";
        case FieldValue::Kind::time:
            return bus::to_iso(value.time());
    }
    return "?";
}

// "type field=value ... raw.field=word key=text !field:reason", fields in the order mapped.
inline std::string show(const Event& event) {
    std::string out(event.type_name);
    for (const auto& [field, value] : event.fields) {
        out += fmt::format(" {}={}", name(field), show(value));
    }
    for (const auto& [field, word] : event.raw_words)
        out += fmt::format(" raw.{}={}", name(field), word);
    for (const auto& key : event.keys) out += fmt::format(" {}:{}", name(key.kind), key.text);
    for (const auto& warning : event.warnings)
        out += fmt::format(" !{}:{}", warning.field, warning.reason);
    return out;
}

// One line per event and per failure.
inline std::string show(const Mapped& mapped) {
    std::string out;
    for (const auto& event : mapped.events) out += show(event) + "\n";
    for (const auto& failure : mapped.failures) {
        out += fmt::format("failed {} {} {}\n", failure.emit_index, failure.path, failure.reason);
    }
    return out;
}

// Of a webhook: an event for each message and for each status.
inline constexpr std::string_view whatsapp_mapping = R"(
mapping: cloud
version: 1
channel: chat
body: [json]
defaults: {format: unix_s, country: none}
rules:
  - for_each: {entry: "entry[]", change: "$entry.changes[]", message: "$change.value.messages[]"}
    when: $change.field == messages
    let:
      contact: "$change.value.contacts[wa_id=$message.from]"
    fields:
      direction: {const: inbound}
      message_id: {from: $message.id, required: true}
      customer_phone: {from: $message.from, as: phone}
      customer_name: $contact.profile.name
      kind: {from: $message.type, map: {text: text, voice: audio}, else: other}
      text: [$message.text.body, "$message[$message.type].caption"]
      media_id: "$message[$message.type].id"
    time: $message.timestamp
    key: [message_id]
    identity: [{whatsapp: $message.from}, {phone: customer_phone}]
    emit:
      - {type: whatsapp.message.reacted, when: $message.type == reaction}
      - {type: whatsapp.message.received, when: $message.type != reaction}
  - for_each: {entry: "entry[]", change: "$entry.changes[]", status: "$change.value.statuses[]"}
    fields: {message_id: $status.id}
    time: $status.timestamp
    key: [message_id]
    emit: {type: {from: $status.status, map: {sent: whatsapp.message.sent, read: whatsapp.message.read, played: ~}}}
)";

// A mapping with one rule that reads `spec` into `field`.
inline std::string one_field(std::string_view field, std::string_view spec,
                             std::string_view more = "") {
    return fmt::format(
        "mapping: m\nchannel: web\nbody: [json, form, query]\n{}\nfields:\n  {}: {}\nemit: {{type: "
        "a.b}}\n",
        more, field, spec);
}

// "compiled", or why not.
inline std::string compile_error(std::string_view yaml) {
    auto mapping = Mapping::compile(yaml, "test.yaml");
    return mapping ? "compiled" : mapping.error().message;
}

}  // namespace schemas::testing
