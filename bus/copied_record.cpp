#include "bus/copied_record.hpp"

#include "bus/envelope.hpp"
#include "bus/erased_copy.hpp"
#include "bus/text.hpp"

#include <charconv>
#include <cstring>

namespace bus {

namespace {

constexpr seconds unlimited_window{100LL * 365 * 24 * 3600};

// Refusals at the door have no dedup key, compacted topics no use for one.
bool may_hold_key(Topic topic) {
    return topic != Topic::rejected && topic != Topic::keys && topic != Topic::nodes;
}

// What the door knew of the record's copies stands in its headers.
void set_dedup(NewRecord& record, HeadersView headers) {
    if (const auto time = from_iso(headers.get(header::ingest_time))) record.ingest_time = *time;
    const auto text = headers.find(header::dedup);
    if (!text || !may_hold_key(record.topic)) return;
    const auto bytes = from_hex(*text);
    DedupKey key;
    if (!bytes || bytes->size() != key.bytes.size()) return;
    std::memcpy(key.bytes.data(), bytes->data(), key.bytes.size());
    record.dedup = key;
    const std::string_view window = headers.get(header::dedup_window);
    std::int64_t window_s = -1;
    std::from_chars(window.data(), window.data() + window.size(), window_s);
    if (window_s == 0) record.dedup_window = unlimited_window;
    if (window_s > 0) record.dedup_window = seconds{window_s};
}

}  // namespace

Headers copied_headers(HeadersView headers, bool erased, bool expired) {
    auto copied = Headers::from_bytes(std::string(headers.bytes()));
    if (expired && !headers.find(header::expired)) copied.add(header::expired, "1");
    if (erased && !expired && !headers.find(header::erased)) copied.add(header::erased, "1");
    return copied;
}

NewRecord copied_record(const RecordView& view) {
    NewRecord record;
    record.topic = view.address.topic;
    record.partition = view.address.partition;
    record.key = view.key;
    record.headers = copied_headers(view.headers, view.erased, view.expired);
    record.value = view.value;
    record.tombstone = view.tombstone;
    set_dedup(record, view.headers);
    return record;
}

}  // namespace bus
