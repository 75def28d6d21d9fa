// Files of the past, whatever stands in them: every reader ends, and what it gives as a record is a
// JSON object.
#include "schemas/import_formats/csv_reader.hpp"
#include "schemas/import_formats/json_list_reader.hpp"
#include "schemas/import_formats/line_reader.hpp"
#include "schemas/import_formats/mbox_reader.hpp"
#include "schemas/json/json.hpp"

#include <cstdlib>

using namespace schemas::import_formats;

namespace {

void read_all(ImportReader& reader, bool records_are_ours, std::size_t bytes) {
    ImportItem item;
    schemas::json::Parser parser;
    for (std::size_t items = 0;; ++items) {
        if (items > bytes + 1) std::abort();  // each takes at least a byte
        const auto more = reader.next(item);
        if (!more || !*more) return;
        if (item.damage || !records_are_ours) continue;
        const auto json = parser.parse(item.record, {.bytes_max = item.record.size() + 1});
        if (!json || json->kind() != schemas::json::Kind::object) std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
    ByteSource source = ByteSource::of(text);
    switch (data[0] % 5) {
        case 0: {
            LineReader reader(std::move(source), LineKind::body);
            read_all(reader, true, size);
            break;
        }
        case 1: {
            LineReader reader(std::move(source), LineKind::record);
            read_all(reader, false, size);
            break;
        }
        case 2: {
            if (auto reader = CsvReader::open(std::move(source))) read_all(**reader, true, size);
            break;
        }
        case 3: {
            MboxReader reader(std::move(source));
            read_all(reader, true, size);
            break;
        }
        default: {
            JsonListReader reader(
                std::move(source),
                {.name = "n", .list = "l", .item = "i", .wrap = R"({"w":[{item}],"m":{m}})"});
            read_all(reader, true, size);
        }
    }
    return 0;
}
