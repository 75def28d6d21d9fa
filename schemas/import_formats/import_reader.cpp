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
    if (json::is_utf8(body)) {
        record = "{\"body\":";
        json::append_escaped(record, body);
    } else {
        record = "{\"body_base64\":\"";
        record += bus::to_base64(body);
        record += '"';
    }
    record += further;
    record += '}';
}

}  // namespace schemas::import_formats
