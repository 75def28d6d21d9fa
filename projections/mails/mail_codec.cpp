#include "projections/mails/mail_row.hpp"
#include "projections/stored_documents.hpp"

namespace projections::mail {

using schemas::json::Value;
using schemas::json::Writer;

namespace {

void text_unless_empty(Writer& writer, std::string_view name, std::string_view text) {
    if (!text.empty()) writer.member(name, text);
}

void write_content(Writer& writer, const MailRow& row) {
    const MailRow::Content& content = *row.content;
    writer.member("thread_id", row.thread).member("direction", content.inbound ? "in" : "out");
    text_unless_empty(writer, "message_id", content.message_id);
    text_unless_empty(writer, "in_reply_to", content.in_reply_to);
    writer.key("references").begin_array();
    for (const std::string_view id : message_ids(content.references)) writer.text(id);
    writer.end_array();
    writer.member("subject", content.subject).member("from", content.from);
    text_unless_empty(writer, "from_name", content.from_name);
    writer.member("to", content.to);
    text_unless_empty(writer, "cc", content.cc);
    writer.member("snippet", content.snippet);
    text_unless_empty(writer, "team", content.team);
    writer.member("source", content.source).member("at", content.at);
    writer.member("attachment_count", content.attachment_count);
    writer.member("auto_reply", content.auto_reply).member("bounce", content.bounce);
    writer.member("is_read", !row.unread);
    if (row.bounced_at) writer.member("bounced_at", *row.bounced_at);
    writer.key("source_event").begin_object();
    writer.member("event_id", bus::to_string(content.event_id));
    writer.member("address", bus::to_string(content.address)).end_object();
}

void write_state(Writer& writer, const MailRow& row) {
    writer.begin_object();
    if (row.content) {
        writer.member("ingest", row.content->ingest_time.time_since_epoch().count());
    } else {
        text_unless_empty(writer, "thread", row.thread);
        if (row.bounced_at) writer.member("bounced", row.bounced_at->time_since_epoch().count());
    }
    if (row.marker) {
        writer.member("marked_read", row.marker->read);
        append_order(writer.key("marked"), row.marker->order);
    }
    writer.end_object();
}

std::string joined_texts(const Value& array) {
    std::string joined;
    array.each_element([&](Value text) {
        if (!joined.empty()) joined += ' ';
        joined += text.text();
    });
    return joined;
}

MailRow::Content read_content(const Value& shown, const Value& state) {
    MailRow::Content content;
    content.inbound = shown["direction"].text() == "in";
    content.message_id = text_of(shown["message_id"]);
    content.in_reply_to = text_of(shown["in_reply_to"]);
    content.references = joined_texts(shown["references"]);
    content.subject = text_of(shown["subject"]);
    content.from = text_of(shown["from"]);
    content.from_name = text_of(shown["from_name"]);
    content.to = text_of(shown["to"]);
    content.cc = text_of(shown["cc"]);
    content.snippet = text_of(shown["snippet"]);
    content.team = text_of(shown["team"]);
    content.source = text_of(shown["source"]);
    content.attachment_count = shown["attachment_count"].integer().value_or(0);
    content.auto_reply = shown["auto_reply"].boolean().value_or(false);
    content.bounce = shown["bounce"].boolean().value_or(false);
    content.at = time_of(shown["at"]).value_or(bus::Timestamp{});
    content.ingest_time = time_of(state["ingest"]).value_or(bus::Timestamp{});
    const Value event = shown["source_event"];
    content.event_id = bus::parse_event_id(event["event_id"].text()).value_or(bus::EventId{});
    content.address = bus::parse_address(event["address"].text()).value_or(bus::Address{});
    return content;
}

}  // namespace

void MailRow::encode(std::string& out) const {
    Writer writer{out};
    writer.begin_object().member("id", mail_id(key)).member("mailbox", mailbox);
    if (content) write_content(writer, *this);
    writer.end_object();
    out += '\n';
    Writer state{out};
    write_state(state, *this);
}

bus::Result<bus::Done> MailRow::decode(std::string_view stored) {
    const auto documents = read_stored(stored);
    if (!documents) return documents.error();
    const auto& [shown, state] = *documents;
    const auto parsed_key = parse_mail_id(shown["id"].text());
    if (!parsed_key) return bus::fail(bus::ErrorCode::corrupt, "a mail row without its id");
    key = *parsed_key;
    mailbox = text_of(shown["mailbox"]);
    const bool has_content = shown["direction"].kind() == schemas::json::Kind::text;
    if (has_content) content = read_content(shown, state);
    thread = text_of(has_content ? shown["thread_id"] : state["thread"]);
    bounced_at = time_of(has_content ? shown["bounced_at"] : state["bounced"]);
    unread = has_content && !shown["is_read"].boolean().value_or(true);
    if (const Value order = state["marked"])
        marker =
            Marker{projections::order_of(order), state["marked_read"].boolean().value_or(false)};
    return bus::Done{};
}

}  // namespace projections::mail
