#include "projections/ingest/requests_fold.hpp"

#include "bus/envelope.hpp"
#include "projections/stored_documents.hpp"
#include "schemas/json/json.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace projections {

using namespace ingest;
using schemas::json::Value;
using schemas::json::Writer;

namespace {

struct Told {
    enum At : std::size_t { method, path, query, verified, content_type, cause, detail, status };
};
constexpr std::array<std::string_view, 8> told_by{
    bus::header::method,       bus::header::path,  bus::header::query,  bus::header::verified,
    bus::header::content_type, bus::header::cause, bus::header::detail, bus::header::status};
using Words = std::array<std::string_view, told_by.size()>;  // "" = not told

// In one go: each look-up walks through all headers.
Words words_of(const SeenRecord& record) {
    Words words;
    record.headers.for_each([&](std::string_view header, std::string_view value) {
        const auto* const found = std::find(told_by.begin(), told_by.end(), header);
        if (found != told_by.end())
            words[static_cast<std::size_t>(found - told_by.begin())] = value;
    });
    if (record.erased) words[Told::path] = words[Told::query] = {};
    return words;
}

void write_refusal(Writer& writer, const Words& words) {
    std::int64_t answered = 0;
    const std::string_view digits = words[Told::status];
    if (std::from_chars(digits.data(), digits.data() + digits.size(), answered).ec != std::errc{})
        answered = 0;
    writer.text("rejected").text(words[Told::cause]).text(words[Told::detail]).integer(answered);
}

std::string stored_request(const SeenRecord& record, bool is_rejected) {
    const Words words = words_of(record);
    std::string out;
    Writer writer{out};
    writer.begin_array().integer(record.ingest_time.time_since_epoch().count());
    writer.text(bus::to_string(record.address));
    writer.integer(static_cast<std::int64_t>(record.value_bytes));
    for (std::size_t i = Told::method; i <= Told::content_type; ++i) writer.text(words[i]);
    if (record.erased)
        writer.text("erased");
    else if (is_rejected)
        write_refusal(writer, words);
    else
        writer.text("accepted")
            .integer(static_cast<std::int64_t>(record.event_count))
            .integer(static_cast<std::int64_t>(record.failure_count));
    writer.end_array();
    return out;
}

void show_text(Writer& writer, std::string_view name, Value told) {
    if (!told.text().empty()) writer.member(name, told.text());
}

void show_count(Writer& writer, std::string_view name, Value told) {
    if (const std::int64_t count = told.integer().value_or(0); count > 0)
        writer.member(name, count);
}

// What became of it: the rest of the stored form.
void show_outcome(Writer& writer, Value told, std::size_t at) {
    const std::string_view outcome = told.at(at).text();
    writer.member("status", outcome);
    if (outcome == "accepted") {
        writer.member("events", told.at(at + 1).integer().value_or(0));
        show_count(writer, "failures", told.at(at + 2));
    } else if (outcome == "rejected") {
        show_text(writer, "cause", told.at(at + 1));
        show_text(writer, "detail", told.at(at + 2));
        show_count(writer, "answered_status", told.at(at + 3));
    }
}

void show_told(Writer& writer, std::string_view stored) {
    constexpr std::array<std::string_view, 5> names{"method", "path", "query", "verified",
                                                    "content_type"};
    constexpr std::size_t address_at = 1, bytes_at = 2, texts_at = 3;
    const auto documents = read_stored(stored);
    if (!documents) return;
    const Value told = documents->shown;
    writer.member("received_at", time_of(told.at(0)).value_or(bus::Timestamp{}));
    for (std::size_t i = 0; i < names.size(); ++i)
        show_text(writer, names[i], told.at(texts_at + i));
    writer.member("bytes", told.at(bytes_at).integer().value_or(0));
    show_outcome(writer, told, texts_at + names.size());
    writer.member("address", told.at(address_at).text());
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
    std::string out;
    Writer writer{out};
    writer.begin_object().member("id", bus::to_string(id));
    writer.member("source", KeyReader{key_after_id}.text());
    if (stored.starts_with('{'))  // before version 5
        append_members(stored, out);
    else
        show_told(writer, stored);
    writer.end_object();
    return out;
}

bus::EventId request_id_in_key(const bus::EventId& key_id) {
    return falling(key_id);
}

}  // namespace ingest
}  // namespace projections
