#include "projections/dead_letters/dead_letters_fold.hpp"

#include "projections/cut_text.hpp"
#include "projections/dead_letters/dead_letter_id.hpp"
#include "projections/dead_letters/discard_fact.hpp"

namespace projections {

namespace {

constexpr std::size_t reason_bytes_max = 512;

std::string object_of(const FailedRecord& record, const bus::EventId& key) {
    std::string shown;
    schemas::json::Writer writer{shown};
    writer.begin_object().member("id", dead_letter_id(key));
    writer.member("raw_id", bus::to_string(record.raw_id)).member("source", record.source_slug);
    writer.member("at", record.ingest_time).member("address", bus::to_string(record.address));
    writer.member("emit_index", static_cast<std::int64_t>(record.emit_index));
    writer.member("path", record.path);
    writer.member("reason", cut_at_code_point(record.reason, reason_bytes_max));
    writer.member("mapping", record.mapping).end_object();
    return shown;
}

// Members for the object: when, and the address of the fact, which says why.
std::string discard_of(const SeenRecord& record) {
    std::string members;
    schemas::json::Writer writer{members};
    writer.begin_object().member("discarded_at", record.ingest_time);
    writer.member("discarded_by", bus::to_string(record.address)).end_object();
    return members;
}

std::string joined(std::string object, std::string_view members) {
    object.back() = ',';
    return object.append(members.substr(1));
}

std::string tagged(DeadLetterTag tag, std::string_view place) {
    return KeyWriter{}.byte(static_cast<std::uint8_t>(tag)).raw(place).take();
}

}  // namespace

void DeadLettersFold::failed(const FailedRecord& record, Rows& rows) const {
    const bus::EventId key = dead_letter_key(record.raw_id, record.emit_index, record.path);
    const std::string place =
        KeyWriter{}.time_descending(record.ingest_time).id(key).text(record.source_slug).take();
    const auto discard = rows.get(Table::entries, entry_key(DeadLetterTag::discard, key));
    const std::string object = object_of(record, key);
    rows.put(Table::entries, entry_key(DeadLetterTag::place, key), place);
    if (discard)
        rows.put(Table::entries, tagged(DeadLetterTag::discarded, place), joined(object, *discard));
    else
        rows.put(Table::entries, tagged(DeadLetterTag::open, place), object);
}

void DeadLettersFold::seen(const SeenRecord& record, Rows& rows) const {
    if (record.type != discarded_event_type) return;
    const auto key = discarded_dead_letter(record.headers);
    if (!key) return;
    const std::string discard_key = entry_key(DeadLetterTag::discard, *key);
    if (rows.get(Table::entries, discard_key)) return;
    const std::string members = discard_of(record);
    rows.put(Table::entries, discard_key, members);
    const auto place = rows.get(Table::entries, entry_key(DeadLetterTag::place, *key));
    if (!place) return;
    const auto object = rows.get(Table::entries, tagged(DeadLetterTag::open, *place));
    if (!object) return;
    rows.erase(Table::entries, tagged(DeadLetterTag::open, *place));
    rows.put(Table::entries, tagged(DeadLetterTag::discarded, *place), joined(*object, members));
}

std::string entry_key(DeadLetterTag tag, const bus::EventId& dead_letter) {
    return KeyWriter{}.byte(static_cast<std::uint8_t>(tag)).id(dead_letter).take();
}

}  // namespace projections
