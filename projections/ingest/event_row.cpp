#include "projections/ingest/event_row.hpp"

#include "projections/measure_value.hpp"
#include "projections/stored_documents.hpp"

namespace projections::ingest {

void EventRow::encode(std::string& out) const {
    schemas::json::Writer writer{out};
    writer.begin_array().text(type).integer(at.time_since_epoch().count()).text(source);
    writer.text(bus::to_string(address)).integer(emit_index).end_array();
}

bus::Result<bus::Done> EventRow::decode(std::string_view stored) {
    const auto documents = read_stored(stored);
    if (!documents) return documents.error();
    const auto& told = documents->shown;
    const bool has_names = told.kind() == schemas::json::Kind::object;  // before version 3
    const auto member = [&](std::size_t place, std::string_view name) {
        return has_names ? told[name] : told.at(place);
    };
    const auto parsed_address = bus::parse_address(member(3, "address").text());
    if (!parsed_address)
        return bus::fail(bus::ErrorCode::corrupt, "an event row without its address");
    type = text_of(member(0, "type"));
    at = time_of(member(1, "time")).value_or(bus::Timestamp{});
    source = text_of(member(2, "source"));
    address = *parsed_address;
    emit_index = static_cast<std::uint32_t>(member(4, "emit_index").integer().value_or(0));
    return bus::Done{};
}

void EventRow::decode_key(std::string_view key) {
    KeyReader reader{key};
    reader.byte();
    id = reader.id();
}

std::string shown_event(const EventRow& row) {
    std::string out;
    schemas::json::Writer writer{out};
    writer.begin_object().member("id", bus::to_string(row.id)).member("type", row.type);
    writer.member("time", row.at).member("source", row.source);
    writer.member("address", bus::to_string(row.address));
    writer.member("emit_index", static_cast<std::int64_t>(row.emit_index)).end_object();
    return out;
}

void EventRow::index_entries(IndexSink& sink) const {
    KeyWriter place;
    place.raw(events_prefix()).time_descending(at).id(id).text(type).text(source);
    sink.entry(place.str());
}

void EventRow::measure_values(std::vector<MeasureValue>& values) const {
    values.push_back(measured_time(at));
    values.push_back(measured_text(type));
    values.push_back(measured_text(source));
    values.push_back(measured_text(bus::short_name(address.topic)));
}

std::string event_key(const bus::EventId& id) {
    return KeyWriter{}.byte('e').id(id).take();
}

std::string events_prefix() {
    return "T";
}

}  // namespace projections::ingest
