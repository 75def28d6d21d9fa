#include "projections/conversations/conversation_row.hpp"

#include <tuple>

namespace projections::chat {

namespace {

void raise(std::optional<bus::Timestamp>& latest, bus::Timestamp time) {
    if (!latest || *latest < time) latest = time;
}

bool is_later(const ConversationRow::LastMessage& a, const ConversationRow::LastMessage& b) {
    return std::tie(a.at, a.message) > std::tie(b.at, b.message);
}

}  // namespace

void ConversationRow::tell(const Appeared& appeared) {
    const LastMessage& message = appeared.message;
    if (++message_count == 1 || is_later(message, last)) last = message;
    if (!appeared.name.empty() && (customer_name.empty() || name_order < appeared.order)) {
        customer_name = appeared.name;
        name_order = appeared.order;
    }
    if (message.inbound) {
        raise(last_inbound_at, message.at);
        first_response.add_inbound(message.at);
        if (!answered || appeared.ingest_time >= *answered) waiting.add(appeared.ingest_time);
        return;
    }
    raise(last_outbound_at, message.at);
    if (appeared.automatic) return;
    first_response.add_outbound(message.at);
    raise(answered, appeared.ingest_time);
    waiting.answer(*answered);
}

void ConversationRow::mark_read(bus::Timestamp ingest_time) {
    raise(marked_read, ingest_time);
}

std::size_t ConversationRow::unread_count() const {
    return waiting.count_from(marked_read.value_or(bus::Timestamp::min()));
}

std::optional<bus::Timestamp> ConversationRow::waiting_since() const {
    return waiting.since();
}

std::optional<bus::Timestamp> ConversationRow::window_expires_at() const {
    if (!last_inbound_at) return std::nullopt;
    return *last_inbound_at + window_length;
}

void ConversationRow::index_entries(IndexSink& sink) const {
    if (message_count == 0) return;
    sink.entry(list_entry_key(list_entry_of(*this)));
    sink.entry(KeyWriter{}
                   .byte(static_cast<std::uint8_t>(IndexTag::customer))
                   .text(customer_key)
                   .id(key)
                   .str());
}

ListEntry list_entry_of(const ConversationRow& row) {
    return {.last_message_at = row.last.at,
            .conversation = row.key,
            .unread = row.unread_count() > 0,
            .window_expires_at = row.window_expires_at(),
            .channel = row.channel,
            .source = row.last.source};
}

std::string list_entry_key(const ListEntry& entry) {
    return KeyWriter{}
        .byte(static_cast<std::uint8_t>(IndexTag::newest))
        .time_descending(entry.last_message_at)
        .id(entry.conversation)
        .byte(static_cast<std::uint8_t>((entry.unread ? 1 : 0) | (entry.window_expires_at ? 2 : 0)))
        .time(entry.window_expires_at.value_or(bus::Timestamp{}))
        .text(entry.channel)
        .text(entry.source)
        .take();
}

std::optional<ListEntry> read_list_entry(std::string_view key) {
    KeyReader reader{key};
    if (reader.byte() != static_cast<std::uint8_t>(IndexTag::newest)) return std::nullopt;
    ListEntry entry;
    entry.last_message_at = reader.time_descending();
    entry.conversation = reader.id();
    const std::uint8_t flags = reader.byte();
    entry.unread = (flags & 1) != 0;
    const bus::Timestamp expires = reader.time();
    if ((flags & 2) != 0) entry.window_expires_at = expires;
    entry.channel = reader.text();
    entry.source = reader.text();
    if (!reader.ok()) return std::nullopt;
    return entry;
}

}  // namespace projections::chat
