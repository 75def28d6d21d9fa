#include "projections/conversations/conversations_fold.hpp"

#include "projections/conversations/conversation_row.hpp"
#include "projections/conversations/message_row.hpp"
#include "projections/direction.hpp"
#include "projections/identity/customer_keys.hpp"
#include "projections/text_limits.hpp"

namespace projections {

using namespace chat;
using schemas::Event;
using schemas::EventType;
using schemas::Field;

namespace {

constexpr std::string_view unknown_customer = "unknown";
constexpr std::string_view automation = "automation";  // a sender (PRODUCT 5.1)

std::string first_customer_key(const Event& event) {
    std::vector<std::string> keys = customer_keys(event);
    return keys.empty() ? std::string{unknown_customer} : std::move(keys.front());
}

std::string_view channel_of(const Event& event) {
    const std::string_view told = event.text(Field::channel);
    return told.empty() ? "whatsapp" : told;
}

bool carries_content(const Event& event) {
    if (event.type == EventType::whatsapp_message_received) return true;
    for (const Field field :
         {Field::text, Field::kind, Field::template_name, Field::media_id, Field::media_url}) {
        if (event.get(field)) return true;
    }
    return false;
}

bool came_in(const Event& event) {
    const std::string_view told = event.text(Field::direction);
    if (!told.empty()) return is_inbound(told);
    return event.type == EventType::whatsapp_message_received;
}

std::string kind_of(const Event& event) {
    if (const std::string_view told = event.text(Field::kind); !told.empty())
        return std::string{told};
    if (event.get(Field::template_name)) return "template";
    return event.get(Field::text) ? "text" : "unknown";
}

std::string sender_of(const Event& event, bool inbound) {
    for (const Field field : {Field::sender, Field::agent_name, Field::agent}) {
        if (const std::string_view told = event.text(field); !told.empty())
            return std::string{told};
    }
    return inbound ? "customer" : "";
}

MessageRow::Content content_of(const Event& event, const std::string& customer) {
    const auto text = [&](Field field) { return std::string{short_text(event, field)}; };
    MessageRow::Content content;
    content.channel = short_name(channel_of(event));
    content.business_number = text(Field::business_number);
    content.conversation = conversation_key(channel_of(event), event.text(Field::business_number),
                                            event.source, customer);
    content.inbound = came_in(event);
    content.kind = short_name(kind_of(event));
    content.media_id = text(Field::media_id);
    content.media_url = text(Field::media_url);
    content.media_type = text(Field::media_type);
    content.file_name = text(Field::file_name);
    content.template_name = text(Field::template_name);
    content.button_payload = text(Field::button_payload);
    content.reply_to = text(Field::reply_to);
    content.sender = short_name(sender_of(event, content.inbound));
    content.at = event.time;
    content.event_id = event.id;
    content.address = event.address;
    return content;
}

std::string_view subject_of(const Event& event) {
    for (const Field field : {Field::object_id, Field::reply_to}) {
        if (const std::string_view told = event.text(field); !told.empty()) return told;
    }
    return event.text(Field::message_id);
}

MessageRow& message_of(const Event& event, std::string_view provider_message_id, Rows& rows) {
    const MessageKey key = message_key(event.source, provider_message_id);
    auto& row = rows.edit<MessageRow>(Table::rows, row_key(RowTag::message, key));
    if (row.provider_message_id.empty()) {
        row.key = key;
        row.source = event.source_slug;
        row.provider_message_id = short_name(provider_message_id);
    }
    if (!row.content && (!row.parked_since || event.ingest_time < *row.parked_since))
        row.parked_since = event.ingest_time;
    return row;
}

void tell_conversation(const Event& event, const std::string& customer, const MessageRow& message,
                       Rows& rows) {
    const ConversationKey key = message.content->conversation;
    const std::string channel = message.content->channel;
    const std::string business_number = message.content->business_number;
    const ConversationRow::Appeared appeared{
        .message = {.at = message.content->at,
                    .message = message.key,
                    .inbound = message.content->inbound,
                    .source = message.source,
                    .preview = message.preview()},
        .automatic = event.text(Field::sender) == automation,
        .ingest_time = event.ingest_time,
        .name = std::string{short_text(event, Field::customer_name)},
        .order = schemas::order_of(event)};
    auto& conversation =
        rows.edit<ConversationRow>(Table::rows, row_key(RowTag::conversation, key));
    const bool is_new = conversation.message_count == 0;
    if (is_new) {
        conversation.key = key;
        conversation.channel = channel;
        conversation.business_number = business_number;
        conversation.customer_key = customer;
    }
    conversation.tell(appeared);
    if (is_new) rows.edit<CountRow>(Table::rows, count_row_key()).conversations += 1;
}

// An edited or deleted message may be the one that the list shows.
void refresh_preview(const MessageRow& message, Rows& rows) {
    if (!message.content) return;
    const MessageKey key = message.key;
    const std::string preview = message.preview();
    const std::string conversation = row_key(RowTag::conversation, message.content->conversation);
    const auto* shown = rows.peek<ConversationRow>(Table::rows, conversation);
    if (!shown || shown->last.message != key || shown->last.preview == preview) return;
    rows.edit<ConversationRow>(Table::rows, conversation).last.preview = preview;
}

void appear(const Event& event, MessageRow& message, Rows& rows) {
    const std::string customer = first_customer_key(event);
    message.content = content_of(event, customer);
    message.parked_since.reset();
    if (!message.edited)
        message.text = cut_at_code_point(event.text(Field::text), message_text_bytes_max);
    tell_conversation(event, customer, message, rows);
}

void fold_report(const Event& event, std::optional<Receipt> receipt, Rows& rows) {
    std::string message_id{event.text(Field::message_id)};
    if (message_id.empty() && !carries_content(event)) return;
    if (message_id.empty()) message_id = bus::to_string(event.id);
    MessageRow& message = message_of(event, message_id, rows);
    if (receipt == Receipt::failed) {
        message.fail({schemas::order_of(event), std::string{short_text(event, Field::error_code)},
                      std::string{short_text(event, Field::error_text)}});
    } else if (receipt) {
        message.receive(*receipt, event.time);
    }
    if (!message.content && carries_content(event)) appear(event, message, rows);
}

void fold_deleted(const Event& event, Rows& rows) {
    if (subject_of(event).empty()) return;
    MessageRow& message = message_of(event, subject_of(event), rows);
    message.receive(Receipt::deleted, event.time);
    refresh_preview(message, rows);
}

void fold_edited(const Event& event, Rows& rows) {
    if (subject_of(event).empty()) return;
    MessageRow& message = message_of(event, subject_of(event), rows);
    message.edit(schemas::order_of(event), event.text(Field::text));
    refresh_preview(message, rows);
}

void fold_reacted(const Event& event, Rows& rows) {
    if (subject_of(event).empty()) return;
    // The other side of the conversation is one agent or another: one of them reacts.
    std::string sender = is_outbound(event.text(Field::direction)) ? sender_of(event, false)
                                                                   : first_customer_key(event);
    if (sender.empty()) sender = "business";
    sender = short_name(sender);
    message_of(event, subject_of(event), rows)
        .react(sender, {schemas::order_of(event), std::string{short_text(event, Field::emoji)}});
}

std::optional<ConversationKey> conversation_named_by(const Event& event) {
    if (const std::string_view id = event.text(Field::object_id); !id.empty())
        return parse_conversation_id(id);
    if (customer_keys(event).empty()) return std::nullopt;
    return conversation_key(channel_of(event), event.text(Field::business_number), event.source,
                            first_customer_key(event));
}

void fold_marked_read(const Event& event, Rows& rows) {
    const auto key = conversation_named_by(event);
    if (!key) return;
    auto& row = rows.edit<ConversationRow>(Table::rows, row_key(RowTag::conversation, *key));
    row.key = *key;
    row.mark_read(event.ingest_time);
}

}  // namespace

std::span<const std::string_view> ConversationsFold::type_prefixes() const {
    static constexpr std::string_view prefixes[] = {"whatsapp.", "chat."};
    return prefixes;
}

void ConversationsFold::fold(const Event& event, Rows& rows) const {
    switch (event.type) {
        case EventType::whatsapp_message_received:
            return fold_report(event, std::nullopt, rows);
        case EventType::whatsapp_message_queued:
            return fold_report(event, Receipt::queued, rows);
        case EventType::whatsapp_message_sent:
            return fold_report(event, Receipt::sent, rows);
        case EventType::whatsapp_message_delivered:
            return fold_report(event, Receipt::delivered, rows);
        case EventType::whatsapp_message_read:
            return fold_report(event, Receipt::read, rows);
        case EventType::whatsapp_message_failed:
            return fold_report(event, Receipt::failed, rows);
        case EventType::whatsapp_message_deleted:
            return fold_deleted(event, rows);
        case EventType::whatsapp_message_edited:
            return fold_edited(event, rows);
        case EventType::whatsapp_message_reacted:
            return fold_reacted(event, rows);
        case EventType::chat_conversation_read:
            return fold_marked_read(event, rows);
        default:
            return;
    }
}

}  // namespace projections
