#include "schemas/import_formats/import_reader.hpp"

#include "bus/text.hpp"
#include "schemas/json/json.hpp"

namespace schemas::import_formats {

void ImportItem::clear() {
    place.clear();
    record.clear();
    damage.reset();
    original.clear();
}

void write_record(std::string& record, std::string_view body, std::string_view further) {
    const bool as_text = json::is_utf8(body);
    if (as_text) {
        record = "{\"body\":";
        json::append_escaped(record, body);
    }
    if (!as_text || record.size() > 2 * body.size() + 64) {  // bytes that happen to be UTF-8
        record = "{\"body_base64\":\"";
        record += bus::to_base64(body);
        record += '"';
    }
    record += further;
    record += '}';
}

}  // namespace schemas::import_formats
