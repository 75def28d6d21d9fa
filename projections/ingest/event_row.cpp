#include "projections/ingest/event_row.hpp"

#include "projections/measure_value.hpp"
#include "projections/stored_documents.hpp"

namespace projections::ingest {

void EventRow::encode(std::string& out) const {
    schemas::json::Writer writer{out};
    writer.begin_object().member("id", bus::to_string(id)).member("type", type);
    writer.member("time", at).member("source", source);
    writer.member("address", bus::to_string(address));
    writer.member("emit_index", static_cast<std::int64_t>(emit_index)).end_object();
}

bus::Result<bus::Done> EventRow::decode(std::string_view stored) {
    const auto documents = read_stored(stored);
    if (!documents) return documents.error();
    const auto& shown = documents->shown;
    const auto parsed_id = bus::parse_event_id(shown["id"].text());
    const auto parsed_address = bus::parse_address(shown["address"].text());
    if (!parsed_id || !parsed_address)
        return bus::fail(bus::ErrorCode::corrupt, "an event row without id or address");
    id = *parsed_id;
    address = *parsed_address;
    type = text_of(shown["type"]);
    at = time_of(shown["time"]).value_or(bus::Timestamp{});
    source = text_of(shown["source"]);
    emit_index = static_cast<std::uint32_t>(shown["emit_index"].integer().value_or(0));
    return bus::Done{};
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
