#include "schemas/import_formats/line_reader.hpp"

#include "bus/text.hpp"
#include "schemas/json/json.hpp"

namespace schemas::import_formats {

using bus::ErrorCode;
using bus::Result;

namespace {
// A record line may hold its body escaped or in base64.
constexpr std::size_t record_bytes_max = 3 * body_bytes_max;
}  // namespace

Result<bool> LineReader::next(ImportItem& item) {
    item.clear();
    const std::size_t bytes_max = kind_ == LineKind::body ? body_bytes_max : record_bytes_max;
    while (const auto line = source_.line(bytes_max)) {
        ++number_;
        if (!line->too_long && bus::trim(line->text).empty()) continue;
        item.place = fmt::format("line {}", number_);
        if (line->too_long) {
            item.damage = bus::fail(ErrorCode::too_large, "a line of {} bytes, {} are allowed",
                                    line->bytes, bytes_max);
            item.original = line->text.substr(0, shown_bytes_max);
        } else {
            read(bus::trim(line->text), item);
        }
        return true;
    }
    if (source_.failure()) return *source_.failure();
    return false;
}

void LineReader::read(std::string_view text, ImportItem& item) const {
    const bool utf8 = json::is_utf8(text);
    if (!utf8)
        item.damage = bus::fail(ErrorCode::invalid_input,
                                "not UTF-8; convert the file: iconv -f latin1 -t utf-8");
    if (kind_ == LineKind::body)
        write_record(item.record, text);
    else if (utf8)
        item.record = text;
    else
        item.original = text.substr(0, shown_bytes_max);
}

}  // namespace schemas::import_formats
