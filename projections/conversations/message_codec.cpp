#include "projections/conversations/message_row.hpp"
#include "projections/direction.hpp"
#include "projections/stored_documents.hpp"

namespace projections::chat {

using schemas::json::Value;
using schemas::json::Writer;

namespace {

void text_unless_empty(Writer& writer, std::string_view name, std::string_view text) {
    if (!text.empty()) writer.member(name, text);
}

void write_content(Writer& writer, const MessageRow& row) {
    const MessageRow::Content& content = *row.content;
    writer.member("conversation_id", conversation_id(content.conversation));
    writer.member("channel", content.channel);
    text_unless_empty(writer, "business_number", content.business_number);
    writer.member("direction", content.inbound ? "in" : "out");
    writer.member("kind", content.kind);
    if (!row.has(Receipt::deleted)) text_unless_empty(writer, "text", row.text);
    text_unless_empty(writer, "media_id", content.media_id);
    text_unless_empty(writer, "media_url", content.media_url);
    text_unless_empty(writer, "media_type", content.media_type);
    text_unless_empty(writer, "file_name", content.file_name);
    text_unless_empty(writer, "template", content.template_name);
    text_unless_empty(writer, "button_payload", content.button_payload);
    text_unless_empty(writer, "reply_to", content.reply_to);
    text_unless_empty(writer, "sender", content.sender);
    writer.member("at", content.at);
    writer.key("source_event").begin_object();
    writer.member("event_id", bus::to_string(content.event_id));
    writer.member("address", bus::to_string(content.address)).end_object();
}

void write_receipts(Writer& writer, const MessageRow& row) {
    writer.member("status", row.status());
    writer.key("status_at").begin_object();
    for (std::size_t i = 0; i < receipt_count; ++i) {
        if (row.reached[i]) writer.member(name(static_cast<Receipt>(i)), *row.reached[i]);
    }
    writer.end_object();
    if (!row.has_failed() || !row.failure) return;
    writer.key("error").begin_object();
    writer.member("code", row.failure->code).member("text", row.failure->text).end_object();
}

void write_reactions(Writer& writer, const MessageRow& row) {
    writer.key("reactions").begin_array();
    for (const auto& [sender, reaction] : row.reactions) {
        if (reaction.emoji.empty()) continue;
        writer.begin_object().member("sender", sender).member("emoji", reaction.emoji);
        writer.member("at", reaction.order.time).end_object();
    }
    writer.end_array();
}

// Only what the shown document does not tell.
void write_state(Writer& writer, const MessageRow& row) {
    writer.begin_object();
    if (!row.content) {
        writer.member("parked_since", row.parked_since->time_since_epoch().count());
        text_unless_empty(writer, "text", row.text);
    }
    if (row.edited) append_order(writer.key("edited"), *row.edited);
    if (row.failure && row.has_failed()) append_order(writer.key("failed"), row.failure->order);
    if (!row.reactions.empty()) {
        writer.key("reactions").begin_array();
        for (const auto& [sender, reaction] : row.reactions) {
            writer.begin_array().text(sender).text(reaction.emoji);
            append_order(writer, reaction.order);
            writer.end_array();
        }
        writer.end_array();
    }
    writer.end_object();
}

bool needs_state(const MessageRow& row) {
    return !row.content || row.edited || !row.reactions.empty() ||
           (row.failure && row.has_failed());
}

std::optional<MessageRow::Content> read_content(const Value& shown) {
    const auto conversation = parse_conversation_id(shown["conversation_id"].text());
    if (!conversation) return std::nullopt;
    MessageRow::Content content;
    content.conversation = *conversation;
    content.channel = text_of(shown["channel"]);
    content.business_number = text_of(shown["business_number"]);
    content.inbound = is_inbound(shown["direction"].text());
    content.kind = text_of(shown["kind"]);
    content.media_id = text_of(shown["media_id"]);
    content.media_url = text_of(shown["media_url"]);
    content.media_type = text_of(shown["media_type"]);
    content.file_name = text_of(shown["file_name"]);
    content.template_name = text_of(shown["template"]);
    content.button_payload = text_of(shown["button_payload"]);
    content.reply_to = text_of(shown["reply_to"]);
    content.sender = text_of(shown["sender"]);
    content.at = time_of(shown["at"]).value_or(bus::Timestamp{});
    const Value source_event = shown["source_event"];
    content.event_id =
        bus::parse_event_id(source_event["event_id"].text()).value_or(bus::EventId{});
    content.address = bus::parse_address(source_event["address"].text()).value_or(bus::Address{});
    return content;
}

}  // namespace

void MessageRow::encode(std::string& out) const {
    Writer writer{out};
    writer.begin_object();
    writer.member("id", message_id(key)).member("source", source);
    writer.member("provider_message_id", provider_message_id);
    if (content) write_content(writer, *this);
    write_receipts(writer, *this);
    write_reactions(writer, *this);
    writer.member("edited", edited.has_value());
    writer.member("deleted", has(Receipt::deleted));
    writer.end_object();
    if (!needs_state(*this)) return;
    out += '\n';
    Writer state{out};
    write_state(state, *this);
}

bus::Result<bus::Done> MessageRow::decode(std::string_view stored) {
    const auto documents = read_stored(stored);
    if (!documents) return documents.error();
    const auto& [shown, state] = *documents;
    const auto parsed_key = parse_message_id(shown["id"].text());
    if (!parsed_key) return bus::fail(bus::ErrorCode::corrupt, "a message row without its id");
    key = *parsed_key;
    source = text_of(shown["source"]);
    provider_message_id = text_of(shown["provider_message_id"]);
    content = read_content(shown);
    text = text_of((content ? shown : state)["text"]);
    for (std::size_t i = 0; i < receipt_count; ++i)
        reached[i] = time_of(shown["status_at"][name(static_cast<Receipt>(i))]);
    parked_since = time_of(state["parked_since"]);
    if (const Value order = state["edited"]) edited = projections::order_of(order);
    if (const Value order = state["failed"])
        failure = Failure{projections::order_of(order), text_of(shown["error"]["code"]),
                          text_of(shown["error"]["text"])};
    state["reactions"].each_element([&](Value reaction) {
        reactions[text_of(reaction.at(0))] = {projections::order_of(reaction.at(2)),
                                              text_of(reaction.at(1))};
    });
    return bus::Done{};
}

}  // namespace projections::chat
