// Keys and ids of the conversations projection.
//
// rows:  'c' conversation key | 'm' message key | 'n' how many conversations there are
// index: 'L' last message, newest first | conversation | what the list filters by
//        'C' customer key | conversation
//        'M' conversation | time | message | kind | direction
//        'P' first heard of | message: receipts whose message never came
#pragma once

#include "projections/row.hpp"
#include "schemas/event.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace projections::chat {

using ConversationKey = bus::EventId;  // of channel, line, customer
using MessageKey = bus::EventId;       // of source, provider message id

enum class RowTag : std::uint8_t { conversation = 'c', message = 'm', count = 'n' };
enum class IndexTag : std::uint8_t {
    newest = 'L',
    customer = 'C',
    messages = 'M',
    parked = 'P',
};

// The business number is the line; a source that does not tell it is a line of its own.
ConversationKey conversation_key(std::string_view channel, std::string_view business_number,
                                 bus::SourceId source, std::string_view customer_key);
MessageKey message_key(bus::SourceId source, std::string_view provider_message_id);

std::string row_key(RowTag tag, const bus::EventId& key);
std::string count_row_key();

std::string conversation_id(const ConversationKey& key);  // "cnv_..."
std::string message_id(const MessageKey& key);            // "msg_..."
std::optional<ConversationKey> parse_conversation_id(std::string_view text);
std::optional<MessageKey> parse_message_id(std::string_view text);

}  // namespace projections::chat
