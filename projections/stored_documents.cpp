#include "projections/stored_documents.hpp"

#include <cstring>

namespace projections {

using schemas::json::Parser;
using schemas::json::Value;

namespace {

constexpr schemas::json::Limits stored_limits{
    .bytes_max = 16 << 20, .depth_max = 16, .keys_max = 100'000};

std::uint64_t half(const bus::EventId& id, std::size_t from) {
    std::uint64_t big_endian = 0;
    std::memcpy(&big_endian, id.bytes.data() + from, sizeof big_endian);
    return __builtin_bswap64(big_endian);
}

void set_half(bus::EventId& id, std::size_t from, std::uint64_t value) {
    const std::uint64_t big_endian = __builtin_bswap64(value);
    std::memcpy(id.bytes.data() + from, &big_endian, sizeof big_endian);
}

}  // namespace

bus::Result<Value> read_shown(std::string_view stored) {
    thread_local Parser parser;
    auto shown = parser.parse(shown_part(stored), stored_limits);
    if (!shown) return bus::fail(bus::ErrorCode::corrupt, "stored row: {}", shown.error().message);
    return *shown;
}

bus::Result<StoredDocuments> read_stored(std::string_view stored) {
    thread_local Parser state_parser;
    const auto shown = read_shown(stored);
    if (!shown) return shown.error();
    StoredDocuments documents{.shown = *shown, .state = {}};
    const std::size_t shown_bytes = shown_part(stored).size();
    if (shown_bytes == stored.size()) return documents;
    auto state = state_parser.parse(stored.substr(shown_bytes + 1), stored_limits);
    if (!state)
        return bus::fail(bus::ErrorCode::corrupt, "state of a row: {}", state.error().message);
    documents.state = *state;
    return documents;
}

std::string_view shown_part(std::string_view stored) {
    return stored.substr(0, stored.find('\n'));
}

void append_members(std::string_view object, std::string& out) {
    constexpr std::size_t braces = 2;
    if (object.size() <= braces) return;
    out += ',';
    out += object.substr(1, object.size() - braces);
}

std::optional<bus::Timestamp> time_of(const Value& value) {
    if (const auto micros = value.integer()) return bus::Timestamp{bus::microseconds{*micros}};
    const auto time = bus::from_iso(value.text());
    if (!time) return std::nullopt;
    return *time;
}

std::string text_of(const Value& value) {
    return std::string{value.text()};
}

void append_order(schemas::json::Writer& writer, const schemas::EventOrder& order) {
    writer.begin_array()
        .integer(order.time.time_since_epoch().count())
        .text(bus::to_string(order.id))
        .unsigned_integer(order.emit_index)
        .end_array();
}

schemas::EventOrder order_of(const Value& value) {
    schemas::EventOrder order;
    order.time = time_of(value.at(0)).value_or(bus::Timestamp{});
    order.id = bus::parse_event_id(value.at(1).text()).value_or(bus::EventId{});
    order.emit_index = static_cast<std::uint32_t>(value.at(2).integer().value_or(0));
    return order;
}

std::string prefixed_id(std::string_view prefix, const bus::EventId& id) {
    std::string text{prefix};
    text += '_';
    text += bus::crockford(half(id, 0));
    text += bus::crockford(half(id, 8));
    return text;
}

std::optional<bus::EventId> parse_prefixed_id(std::string_view prefix, std::string_view text) {
    constexpr std::size_t digits = 13;
    if (text.size() != prefix.size() + 1 + 2 * digits || text.substr(0, prefix.size()) != prefix ||
        text[prefix.size()] != '_')
        return std::nullopt;
    text.remove_prefix(prefix.size() + 1);
    const auto high = bus::parse_crockford(text.substr(0, digits));
    const auto low = bus::parse_crockford(text.substr(digits));
    if (!high || !low) return std::nullopt;
    bus::EventId id;
    set_half(id, 0, *high);
    set_half(id, 8, *low);
    return id;
}

}  // namespace projections
