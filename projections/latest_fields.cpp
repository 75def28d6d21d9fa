#include "projections/latest_fields.hpp"

#include "projections/stored_documents.hpp"
#include "projections/text_limits.hpp"

#include <algorithm>

namespace projections {

using schemas::Field;
using schemas::FieldKind;
using schemas::json::Value;
using schemas::json::Writer;

namespace {

void write_stamp(Writer& writer, const ReportStamp& stamp) {
    writer.begin_array().integer(stamp.version).integer(stamp.time.time_since_epoch().count());
    writer.integer(stamp.rank).text(bus::to_string(stamp.id)).unsigned_integer(stamp.emit_index);
    writer.end_array();
}

ReportStamp read_stamp(const Value& value) {
    ReportStamp stamp;
    stamp.version = value.at(0).integer().value_or(0);
    stamp.time = time_of(value.at(1)).value_or(bus::Timestamp{});
    stamp.rank = static_cast<int>(value.at(2).integer().value_or(0));
    stamp.id = bus::parse_event_id(value.at(3).text()).value_or(bus::EventId{});
    stamp.emit_index = static_cast<std::uint32_t>(value.at(4).integer().value_or(0));
    return stamp;
}

}  // namespace

ReportStamp stamp_of(const schemas::Event& event, int rank) {
    return {event.get(Field::object_version).number, event.time, rank, event.id, event.emit_index};
}

const LatestFields::Told* LatestFields::find(Field field) const {
    const auto place =
        std::lower_bound(told_.begin(), told_.end(), field,
                         [](const Told& told, Field wanted) { return told.field < wanted; });
    return place != told_.end() && place->field == field ? &*place : nullptr;
}

// Where to write, or nullptr when what is there is later.
LatestFields::Told* LatestFields::place_for(Field field, const ReportStamp& stamp,
                                            std::string_view text, std::int64_t number) {
    auto place =
        std::lower_bound(told_.begin(), told_.end(), field,
                         [](const Told& told, Field wanted) { return told.field < wanted; });
    if (place == told_.end() || place->field != field) {
        place = told_.insert(place, Told{});
        place->field = field;
        return &*place;
    }
    const auto there = std::tuple{place->stamp, std::string_view{place->text}, place->number};
    return there < std::tuple{stamp, text, number} ? &*place : nullptr;
}

void LatestFields::tell(Field field, const schemas::FieldValue& value, const ReportStamp& stamp) {
    if (!value) return;
    if (schemas::kind_of(field) == FieldKind::text) return tell_text(field, value.text, stamp);
    if (Told* told = place_for(field, stamp, {}, value.number)) {
        told->number = value.number;
        told->stamp = stamp;
    }
}

void LatestFields::tell_text(Field field, std::string_view text, const ReportStamp& stamp) {
    if (text.empty()) return;
    text = cut_at_code_point(text, text_bytes_max(field));
    if (Told* told = place_for(field, stamp, text, 0)) {
        told->text = text;
        told->stamp = stamp;
    }
}

std::string_view LatestFields::text(Field field) const {
    const Told* told = find(field);
    return told ? std::string_view{told->text} : std::string_view{};
}

std::optional<std::int64_t> LatestFields::integer(Field field) const {
    const Told* told = find(field);
    if (!told) return std::nullopt;
    return told->number;
}

std::optional<bus::Timestamp> LatestFields::time(Field field) const {
    const Told* told = find(field);
    if (!told) return std::nullopt;
    return bus::Timestamp{bus::microseconds{told->number}};
}

void LatestFields::write_members(Writer& writer, std::initializer_list<Field> left_out) const {
    for (const Told& told : told_) {
        if (std::find(left_out.begin(), left_out.end(), told.field) != left_out.end()) continue;
        writer.key(schemas::name(told.field));
        switch (schemas::kind_of(told.field)) {
            case FieldKind::text:
                writer.text(told.text);
                break;
            case FieldKind::integer:
                writer.integer(told.number);
                break;
            case FieldKind::boolean:
                writer.boolean(told.number != 0);
                break;
            case FieldKind::time:
                writer.time(bus::Timestamp{bus::microseconds{told.number}});
                break;
        }
    }
}

// [[stamps],[field name, value, number of its stamp, ...]]: most fields come from few reports.
void LatestFields::write(Writer& writer) const {
    std::vector<ReportStamp> stamps;
    for (const Told& told : told_) stamps.push_back(told.stamp);
    std::sort(stamps.begin(), stamps.end());
    stamps.erase(std::unique(stamps.begin(), stamps.end()), stamps.end());
    writer.begin_array().begin_array();
    for (const ReportStamp& stamp : stamps) write_stamp(writer, stamp);
    writer.end_array().begin_array();
    for (const Told& told : told_) {
        writer.text(schemas::name(told.field));
        if (schemas::kind_of(told.field) == FieldKind::text)
            writer.text(told.text);
        else
            writer.integer(told.number);
        writer.integer(std::lower_bound(stamps.begin(), stamps.end(), told.stamp) - stamps.begin());
    }
    writer.end_array().end_array();
}

void LatestFields::read(const Value& value) {
    told_.clear();
    std::vector<ReportStamp> stamps;
    value.at(0).each_element([&](Value stamp) { stamps.push_back(read_stamp(stamp)); });
    std::vector<Value> parts;
    value.at(1).each_element([&](Value part) { parts.push_back(part); });
    for (std::size_t i = 0; i + 2 < parts.size(); i += 3) {
        const auto field = schemas::parse_field(parts[i].text());
        const auto stamp = static_cast<std::size_t>(parts[i + 2].integer().value_or(0));
        if (!field || stamp >= stamps.size()) continue;
        told_.push_back({*field, std::string{parts[i + 1].text()},
                         parts[i + 1].integer().value_or(0), stamps[stamp]});
    }
    std::sort(told_.begin(), told_.end(),
              [](const Told& a, const Told& b) { return a.field < b.field; });
}

}  // namespace projections
