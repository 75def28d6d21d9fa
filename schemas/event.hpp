// What a fold sees: one canonical event, made by a mapping from a raw record or carried by a fact.
//
// Field values are views into the mapping's scratch memory or the record; they live until the next
// record is mapped.
#pragma once

#include "bus/topic.hpp"
#include "schemas/vocabulary.hpp"

#include <string_view>
#include <vector>

namespace schemas {

struct FieldValue {
    enum class Kind : std::uint8_t { absent, text, integer, boolean, time };
    Kind kind = Kind::absent;
    std::string_view text;    // the text, or for integers and times the raw word where it was kept
    std::int64_t number = 0;  // integer, boolean as 0 or 1, time as microseconds since 1970

    explicit operator bool() const { return kind != Kind::absent; }
    bus::Timestamp time() const { return bus::Timestamp{bus::microseconds{number}}; }
};

enum class KeyKind : std::uint8_t { phone, email, whatsapp, external };

// A key by which a person is known, as observed. `text` is normalised: E.164 phone, lower-case
// email, whatsapp digits or user id, "<system>:<id>" for external.
struct IdentityKey {
    KeyKind kind = KeyKind::phone;
    std::string_view text;
    bool operator==(const IdentityKey&) const = default;
};
std::string_view name(KeyKind kind);

struct Warning {
    std::string_view field;
    std::string_view reason;  // "not a phone number", "unknown word"
};

struct Event {
    bus::EventId id;  // hash(tenant, source, event key), or hash(raw id, emit index)
    EventType type = EventType::other;
    std::string_view type_name;  // "whatsapp.message.received"; always set
    bus::TenantId tenant;
    bus::SourceId source;
    std::string_view source_slug;
    bus::Timestamp time{};  // when it happened; the ingest time when the source did not say
    bool time_is_ingest = false;
    bus::Timestamp ingest_time{};  // when we stored it
    bus::Address address;          // of the record it came from
    bus::EventId raw_id;           // of that record
    std::uint32_t emit_index = 0;  // among the events of that record

    std::vector<std::pair<Field, FieldValue>> fields;  // unordered, each at most once
    std::vector<std::pair<Field, std::string_view>>
        raw_words;  // what keep_raw or a failed step kept
    std::vector<IdentityKey> keys;
    std::vector<Warning> warnings;

    FieldValue get(Field field) const {
        for (const auto& [name, value] : fields)
            if (name == field) return value;
        return {};
    }
    std::string_view text(Field field) const { return get(field).text; }
    std::string_view raw(Field field) const {
        for (const auto& [name, word] : raw_words)
            if (name == field) return word;
        return {};
    }
};

// The one total order of last-writer rules: time, then id, then emit index.
struct EventOrder {
    bus::Timestamp time{};
    bus::EventId id;
    std::uint32_t emit_index = 0;
    auto operator<=>(const EventOrder&) const = default;
};
inline EventOrder order_of(const Event& event) {
    return {event.time, event.id, event.emit_index};
}

}  // namespace schemas
