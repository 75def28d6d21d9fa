#include "projections/calls/call_row.hpp"
#include "projections/stored_documents.hpp"

namespace projections::calls {

using schemas::Field;
using schemas::json::Value;
using schemas::json::Writer;

namespace {

void write_text(Writer& writer, std::string_view name, std::string_view text) {
    if (!text.empty()) writer.member(name, text);
}

void write_texts(Writer& writer, const LatestFields& fields, std::initializer_list<Field> wanted) {
    for (const Field field : wanted) write_text(writer, schemas::name(field), fields.text(field));
}

void write_times(Writer& writer, const CallRow& row) {
    if (row.started_at) writer.member("started_at", *row.started_at);
    for (const Field field : {Field::answered_at, Field::ended_at}) {
        if (const auto time = row.fields.time(field)) writer.member(schemas::name(field), *time);
    }
    for (const Field field : {Field::ring_s, Field::talk_s, Field::duration_s, Field::billed_s}) {
        if (const auto told = row.fields.integer(field)) writer.member(schemas::name(field), *told);
    }
}

void write_legs(Writer& writer, const CallRow& row) {
    writer.member("attempts", static_cast<std::int64_t>(row.attempts()));
    if (row.legs.empty()) return;
    writer.key("legs").begin_array();
    for (const auto& [dialled, leg] : row.legs) {
        writer.begin_object().member("dialled", dialled).member("first_at", leg.first_at);
        write_text(writer, "agent", leg.agent);
        write_text(writer, "status", leg.status);
        writer.end_object();
    }
    writer.end_array();
}

void write_shown(Writer& writer, const CallRow& row) {
    writer.begin_object().member("id", call_id(row.key)).member("provider", row.source);
    write_text(writer, "provider_call_id", row.provider_call_id);
    write_texts(
        writer, row.fields,
        {Field::service, Field::direction, Field::caller, Field::callee, Field::customer_phone,
         Field::customer_name, Field::business_number, Field::agent, Field::agent_name,
         Field::agent_number, Field::agent_status, Field::customer_status, Field::department});
    writer.member("status", name(row.status));
    write_text(writer, "raw_status", row.fields.text(Field::status));
    writer.member("live", is_live(row.status)).member("at", row.at());
    write_times(writer, row);
    write_texts(writer, row.fields,
                {Field::hangup_by, Field::recording_url, Field::dtmf, Field::location});
    write_text(writer, "operator", row.fields.text(Field::operator_name));
    write_texts(writer, row.fields, {Field::custom_ref});
    write_legs(writer, row);
    writer.end_object();
}

void write_state(Writer& writer, const CallRow& row) {
    writer.begin_object();
    writer.member("first", row.first_report_at->time_since_epoch().count());
    append_order(writer.key("status"), row.status_order);
    row.fields.write(writer.key("fields"));
    if (!row.legs.empty()) {
        writer.key("legs").begin_array();
        for (const auto& [dialled, leg] : row.legs) append_order(writer, leg.order);
        writer.end_array();
    }
    writer.end_object();
}

void read_legs(const Value& shown, const Value& state, CallRow& row) {
    std::size_t place = 0;
    shown["legs"].each_element([&](Value leg) {
        row.legs[text_of(leg["dialled"])] = {
            .first_at = time_of(leg["first_at"]).value_or(bus::Timestamp{}),
            .order = projections::order_of(state["legs"].at(place++)),
            .agent = text_of(leg["agent"]),
            .status = text_of(leg["status"])};
    });
}

}  // namespace

void CallRow::encode(std::string& out) const {
    Writer shown{out};
    write_shown(shown, *this);
    out += '\n';
    Writer state{out};
    write_state(state, *this);
}

bus::Result<bus::Done> CallRow::decode(std::string_view stored) {
    const auto documents = read_stored(stored);
    if (!documents) return documents.error();
    const auto& [shown, state] = *documents;
    const auto parsed_key = parse_call_id(shown["id"].text());
    if (!parsed_key) return bus::fail(bus::ErrorCode::corrupt, "a call row without its id");
    key = *parsed_key;
    source = text_of(shown["provider"]);
    provider_call_id = text_of(shown["provider_call_id"]);
    status = parse_call_status(shown["status"].text());
    started_at = time_of(shown["started_at"]);
    first_report_at = time_of(state["first"]);
    status_order = projections::order_of(state["status"]);
    fields.read(state["fields"]);
    read_legs(shown, state, *this);
    return bus::Done{};
}

void BadgeRow::encode(std::string& out) const {
    Writer writer{out};
    writer.begin_object().member("calls", static_cast<std::int64_t>(calls)).end_object();
}

bus::Result<bus::Done> BadgeRow::decode(std::string_view stored) {
    const auto documents = read_stored(stored);
    if (!documents) return documents.error();
    calls = static_cast<std::uint64_t>(documents->shown["calls"].integer().value_or(0));
    return bus::Done{};
}

}  // namespace projections::calls
