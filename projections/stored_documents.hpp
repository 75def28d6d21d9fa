// Reading the stored form of a row: the document that answers show, then what only the fold needs.
#pragma once

#include "bus/ids.hpp"
#include "schemas/event.hpp"
#include "schemas/json/json.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace projections {

struct StoredDocuments {
    schemas::json::Value shown;
    schemas::json::Value state;  // absent when the row has none
};

// The values live until the next call on this thread. corrupt when the bytes are not a row.
bus::Result<StoredDocuments> read_stored(std::string_view stored);
// Likewise, where the state is not needed: it can be many times as long.
bus::Result<schemas::json::Value> read_shown(std::string_view stored);

// The part before the newline, as an answer copies it.
std::string_view shown_part(std::string_view stored);

// The members of a stored object, each after a comma, into one that is open and has some.
void append_members(std::string_view object, std::string& out);

std::optional<bus::Timestamp> time_of(const schemas::json::Value& value);
std::string text_of(const schemas::json::Value& value);

// An order as [microseconds, "event id", emit index].
void append_order(schemas::json::Writer& writer, const schemas::EventOrder& order);
schemas::EventOrder order_of(const schemas::json::Value& value);

// An id that is opaque and sorts as its bytes: "<prefix>_<26 digits>".
std::string prefixed_id(std::string_view prefix, const bus::EventId& id);
std::optional<bus::EventId> parse_prefixed_id(std::string_view prefix, std::string_view text);

}  // namespace projections
