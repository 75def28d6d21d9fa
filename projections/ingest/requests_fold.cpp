#include "projections/ingest/requests_fold.hpp"

#include "bus/envelope.hpp"
#include "projections/stored_documents.hpp"
#include "schemas/json/json.hpp"

#include <charconv>

namespace projections {

using namespace ingest;
using schemas::json::Writer;

namespace {

void write_header(Writer& writer, std::string_view name, const SeenRecord& record,
                  std::string_view header) {
    if (const auto value = record.headers.find(header); value && !value->empty())
        writer.member(name, *value);
}

void write_refusal(Writer& writer, const SeenRecord& record) {
    writer.member("status", "rejected");
    write_header(writer, "cause", record, bus::header::cause);
    write_header(writer, "detail", record, bus::header::detail);
    const std::string_view text = record.headers.get(bus::header::status);
    std::int64_t status = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), status).ec == std::errc{})
        writer.member("answered_status", status);
}

// What the key does not tell (shown_request()).
std::string stored_request(const SeenRecord& record, bool is_rejected) {
    std::string out;
    Writer writer{out};
    writer.begin_object().member("received_at", record.ingest_time);
    write_header(writer, "method", record, bus::header::method);
    if (!record.erased) {
        write_header(writer, "path", record, bus::header::path);
        write_header(writer, "query", record, bus::header::query);
    }
    write_header(writer, "verified", record, bus::header::verified);
    write_header(writer, "content_type", record, bus::header::content_type);
    writer.member("bytes", static_cast<std::int64_t>(record.value_bytes));
    if (record.erased) {
        writer.member("status", "erased");
    } else if (is_rejected) {
        write_refusal(writer, record);
    } else {
        writer.member("status", "accepted");
        writer.member("events", static_cast<std::int64_t>(record.event_count));
        if (record.failure_count > 0)
            writer.member("failures", static_cast<std::int64_t>(record.failure_count));
    }
    writer.member("address", bus::to_string(record.address)).end_object();
    return out;
}

}  // namespace

void RequestsFold::seen(const SeenRecord& record, Rows& rows) const {
    const bool is_rejected = record.type == bus::rejected_event_type;
    if (!is_rejected && record.type != bus::raw_event_type) return;  // facts are no requests
    const EntryTag tag = is_rejected ? EntryTag::rejected : EntryTag::accepted;
    KeyWriter key;
    key.raw(request_prefix(tag, record.raw_id)).text(record.source_slug);
    rows.put(Table::entries, key.str(), stored_request(record, is_rejected));
}

namespace ingest {

namespace {
// RFC 9562 section 5.7: the first 48 bits are milliseconds.
bus::Timestamp received_at(const bus::EventId& id) {
    std::uint64_t milliseconds = 0;
    for (std::size_t i = 0; i < 6; ++i) milliseconds = milliseconds << 8 | id.bytes[i];
    return bus::Timestamp{bus::milliseconds{milliseconds}};
}

// Ids rise within a millisecond, and the list falls.
bus::EventId falling(bus::EventId id) {
    for (std::uint8_t& byte : id.bytes) byte = static_cast<std::uint8_t>(~byte);
    return id;
}
}  // namespace

std::string request_prefix(EntryTag tag, const bus::EventId& id) {
    return KeyWriter{}
        .byte(static_cast<std::uint8_t>(tag))
        .time_descending(received_at(id))
        .id(falling(id))
        .take();
}

std::string shown_request(const bus::EventId& id, std::string_view key_after_id,
                          std::string_view stored) {
    constexpr std::size_t told_by_key_bytes = 128;  // about
    std::string out;
    out.reserve(told_by_key_bytes + stored.size());
    Writer writer{out};
    writer.begin_object().member("id", bus::to_string(id));
    writer.member("source", KeyReader{key_after_id}.text());
    append_members(stored, out);
    writer.end_object();
    return out;
}

bus::EventId request_id_in_key(const bus::EventId& key_id) {
    return falling(key_id);
}

}  // namespace ingest
}  // namespace projections
