#include "projections/billing/billing_rows.hpp"

#include "bus/crypto/digest.hpp"
#include "projections/measure_value.hpp"
#include "projections/stored_documents.hpp"

#include <algorithm>

namespace projections::billing {

using schemas::Field;
using schemas::json::Value;
using schemas::json::Writer;

CustomerKey customer_key(std::string_view billing_system, std::string_view customer_ref) {
    return bus::crypto::hash_id({"billing customer", billing_system, customer_ref});
}

std::string customer_id(const CustomerKey& key) {
    return prefixed_id("bcu", key);
}

std::optional<CustomerKey> parse_customer_id(std::string_view text) {
    return parse_prefixed_id("bcu", text);
}

std::string customer_row_key(const CustomerKey& key) {
    return KeyWriter{}.byte('c').id(key).take();
}

CustomerKey customer_in_key(std::string_view row_key) {
    KeyReader reader{row_key};
    reader.byte();
    return reader.id();
}

std::string object_row_key(const CustomerKey& customer, ObjectKind kind, const ObjectKey& object) {
    return KeyWriter{}
        .byte('o')
        .id(customer)
        .byte(static_cast<std::uint8_t>(kind))
        .id(object)
        .take();
}

std::string event_row_key(const bus::EventId& event, std::string_view type) {
    return KeyWriter{}.byte('e').id(event).raw(type).take();
}

bus::EventId event_in_key(std::string_view row_key) {
    KeyReader reader{row_key};
    reader.byte();
    return reader.id();
}

std::string newest_prefix() {
    return "L";
}

std::string key_prefix(std::string_view key) {
    return KeyWriter{}.byte('K').text(key).take();
}

std::string object_prefix(const CustomerKey& customer, ObjectKind kind) {
    return KeyWriter{}.byte('O').id(customer).byte(static_cast<std::uint8_t>(kind)).take();
}

namespace {

std::int64_t micros(bus::Timestamp time) {
    return time.time_since_epoch().count();
}

bus::Timestamp known_time(const Value& value) {
    return time_of(value).value_or(bus::Timestamp{});
}

void write_stamp(Writer& writer, const ReportStamp& stamp) {
    writer.begin_array().integer(stamp.version).integer(stamp.rank);
    append_order(writer, {stamp.time, stamp.id, stamp.emit_index});
    writer.end_array();
}

ReportStamp read_stamp(const Value& value) {
    const schemas::EventOrder order = projections::order_of(value.at(2));
    return {value.at(0).integer().value_or(0), order.time,
            static_cast<int>(value.at(1).integer().value_or(0)), order.id, order.emit_index};
}

void text_unless_empty(Writer& writer, std::string_view name, std::string_view text) {
    if (!text.empty()) writer.member(name, text);
}

std::string_view name(ObjectKind kind) {
    switch (kind) {
        case ObjectKind::subscription:
            return "subscription";
        case ObjectKind::invoice:
            return "invoice";
        case ObjectKind::failed_payment:
            return "failed_payment";
        case ObjectKind::card:
            return "card";
    }
    return "";
}

void write_counted(Writer& writer, const EventRow& row) {
    writer.member("type", row.type).member("system", row.system);
    text_unless_empty(writer, "plan", row.plan);
    text_unless_empty(writer, "currency", row.currency);
    if (row.amount_minor) writer.member("amount_minor", *row.amount_minor);
}

}  // namespace

void CustomerRow::encode(std::string& out) const {
    Writer writer{out};
    writer.begin_object().member("id", customer_id(key)).member("billing_system", billing_system);
    writer.member("customer_ref", customer_ref);
    text_unless_empty(writer, "name", fields.text(Field::customer_name));
    text_unless_empty(writer, "email", fields.text(Field::customer_email));
    text_unless_empty(writer, "phone", fields.text(Field::customer_phone));
    const std::string_view status = fields.text(Field::status);
    writer.member("status", status.empty() ? "active" : status);
    writer.member("last_event_at", last_event_at).end_object();
    out += '\n';
    Writer state{out};
    fields.write(state);
}

bus::Result<bus::Done> CustomerRow::decode(std::string_view stored) {
    const auto documents = read_stored(stored);
    if (!documents) return documents.error();
    const Value& shown = documents->shown;
    const auto parsed_key = parse_customer_id(shown["id"].text());
    if (!parsed_key) return bus::fail(bus::ErrorCode::corrupt, "a billing customer without its id");
    key = *parsed_key;
    billing_system = text_of(shown["billing_system"]);
    customer_ref = text_of(shown["customer_ref"]);
    last_event_at = known_time(shown["last_event_at"]);
    fields.read(documents->state);
    return bus::Done{};
}

void CustomerRow::index_entries(IndexSink& sink) const {
    sink.entry(KeyWriter{}.raw(newest_prefix()).time_descending(last_event_at).id(key).take());
    for (const std::string& called : keys())
        sink.entry(KeyWriter{}.raw(key_prefix(called)).id(key).take());
}

std::vector<std::string> CustomerRow::keys() const {
    std::vector<std::string> keys;
    const auto called = [&](std::string_view kind, std::string_view text) {
        if (!text.empty()) keys.push_back(std::string{kind} += text);
    };
    called("email:", fields.text(Field::customer_email));
    called("phone:", fields.text(Field::customer_phone));
    called("external:", billing_system + ':' + customer_ref);
    called("ref:", customer_ref);
    return keys;
}

void ObjectRow::happened(bus::Timestamp at) {
    first_at = first_at ? std::min(*first_at, at) : at;
    last_at = std::max(last_at, at);
}

void ObjectRow::encode(std::string& out) const {
    Writer writer{out};
    writer.begin_object().member("id", id);
    fields.write_members(writer);
    writer.member("at", *first_at).member("updated_at", last_at).end_object();
    out += '\n';
    Writer state{out};
    state.begin_object().member("kind", std::string(1, static_cast<char>(kind)));
    state.member("customer", bus::to_string(customer)).member("object", bus::to_string(object));
    state.member("first", micros(*first_at)).member("last", micros(last_at));
    write_stamp(state.key("newest"), newest);
    fields.write(state.key("fields"));
    state.end_object();
}

bus::Result<bus::Done> ObjectRow::decode(std::string_view stored) {
    const auto documents = read_stored(stored);
    if (!documents) return documents.error();
    const Value& state = documents->state;
    const std::string_view stored_kind = state["kind"].text();
    if (stored_kind.empty())
        return bus::fail(bus::ErrorCode::corrupt, "a billing object without its kind");
    kind = static_cast<ObjectKind>(stored_kind.front());
    customer = bus::parse_event_id(state["customer"].text()).value_or(bus::EventId{});
    object = bus::parse_event_id(state["object"].text()).value_or(bus::EventId{});
    id = text_of(documents->shown["id"]);
    first_at = known_time(state["first"]);
    last_at = known_time(state["last"]);
    newest = read_stamp(state["newest"]);
    fields.read(state["fields"]);
    return bus::Done{};
}

void ObjectRow::index_entries(IndexSink& sink) const {
    const bool by_first = kind == ObjectKind::invoice || kind == ObjectKind::subscription;
    sink.entry(KeyWriter{}
                   .raw(object_prefix(customer, kind))
                   .time_descending(by_first ? *first_at : last_at)
                   .id(object)
                   .take());
}

std::string shown_object(const ObjectRow& row, std::string_view stored) {
    std::string told;
    Writer writer{told};
    writer.begin_object().member("kind", name(row.kind));
    writer.member("customer_id", customer_id(row.customer)).end_object();
    std::string shown{shown_part(stored)};
    shown.pop_back();
    append_members(told, shown);
    return shown + '}';
}

std::string shown_event(const bus::EventId& id, const EventRow& row) {
    std::string out;
    Writer writer{out};
    writer.begin_object().member("event_id", bus::to_string(id)).member("at", row.at);
    write_counted(writer, row);
    writer.end_object();
    return out;
}

void EventRow::encode(std::string& out) const {
    Writer writer{out};
    writer.begin_object().member("at", micros(at));
    write_counted(writer, *this);
    writer.end_object();
}

bus::Result<bus::Done> EventRow::decode(std::string_view stored) {
    const auto documents = read_stored(stored);
    if (!documents) return documents.error();
    const Value& shown = documents->shown;
    at = known_time(shown["at"]);
    type = text_of(shown["type"]);
    system = text_of(shown["system"]);
    plan = text_of(shown["plan"]);
    currency = text_of(shown["currency"]);
    amount_minor = shown["amount_minor"].integer();
    return bus::Done{};
}

void EventRow::measure_values(std::vector<MeasureValue>& values) const {
    values.push_back(measured_time(at));
    values.push_back(measured_text(type));
    values.push_back(measured_text(system));
    values.push_back(measured_text(plan));
    values.push_back(measured_text(currency));
    values.push_back(measured_integer(amount_minor));
}

}  // namespace projections::billing
