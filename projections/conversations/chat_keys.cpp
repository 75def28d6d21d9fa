#include "projections/conversations/chat_keys.hpp"

#include "bus/crypto/digest.hpp"
#include "projections/stored_documents.hpp"

namespace projections::chat {

namespace {

std::string_view bytes_of(const bus::SourceId& source) {
    return {reinterpret_cast<const char*>(&source.value), sizeof source.value};
}

}  // namespace

ConversationKey conversation_key(std::string_view channel, std::string_view business_number,
                                 bus::SourceId source, std::string_view customer_key) {
    const std::string_view line = business_number.empty() ? bytes_of(source) : business_number;
    const std::string_view line_kind = business_number.empty() ? "source" : "number";
    return bus::crypto::hash_id({"conversation", channel, line_kind, line, customer_key});
}

MessageKey message_key(bus::SourceId source, std::string_view provider_message_id) {
    return bus::crypto::hash_id({"message", bytes_of(source), provider_message_id});
}

std::string row_key(RowTag tag, const bus::EventId& key) {
    return KeyWriter{}.byte(static_cast<std::uint8_t>(tag)).id(key).take();
}

std::string count_row_key() {
    return KeyWriter{}.byte(static_cast<std::uint8_t>(RowTag::count)).take();
}

std::string conversation_id(const ConversationKey& key) {
    return prefixed_id("cnv", key);
}

std::string message_id(const MessageKey& key) {
    return prefixed_id("msg", key);
}

std::optional<ConversationKey> parse_conversation_id(std::string_view text) {
    return parse_prefixed_id("cnv", text);
}

std::optional<MessageKey> parse_message_id(std::string_view text) {
    return parse_prefixed_id("msg", text);
}

}  // namespace projections::chat
