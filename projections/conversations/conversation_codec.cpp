#include "projections/conversations/conversation_row.hpp"
#include "projections/direction.hpp"
#include "projections/stored_documents.hpp"

namespace projections::chat {

using schemas::json::Value;
using schemas::json::Writer;

namespace {

constexpr std::string_view phone_prefix = "phone:";

std::int64_t micros(bus::Timestamp time) {
    return time.time_since_epoch().count();
}

void time_if_known(Writer& writer, std::string_view name,
                   const std::optional<bus::Timestamp>& time) {
    time ? writer.member(name, *time) : writer.key(name).null();
}

void write_shown(Writer& writer, const ConversationRow& row) {
    writer.begin_object();
    writer.member("id", conversation_id(row.key)).member("channel", row.channel);
    writer.member("source", row.last.source);
    if (!row.business_number.empty()) writer.member("business_number", row.business_number);
    writer.member("customer_key", row.customer_key);
    if (row.customer_key.starts_with(phone_prefix))
        writer.member("customer_phone",
                      std::string_view{row.customer_key}.substr(phone_prefix.size()));
    if (!row.customer_name.empty()) writer.member("customer_name", row.customer_name);
    writer.member("status", "open");
    writer.member("unread_count", static_cast<std::int64_t>(row.unread_count()));
    writer.member("message_count", static_cast<std::int64_t>(row.message_count));
    writer.member("last_message_preview", row.last.preview);
    writer.member("last_message_at", row.last.at);
    writer.member("last_direction", row.last.inbound ? "in" : "out");
    time_if_known(writer, "last_inbound_at", row.last_inbound_at);
    time_if_known(writer, "last_outbound_at", row.last_outbound_at);
    time_if_known(writer, "first_response_at", row.first_response.at);
    time_if_known(writer, "waiting_since", row.waiting_since());
    time_if_known(writer, "window_expires_at", row.window_expires_at());
    writer.end_object();
}

// Times as differences, which are shorter.
class Differences {
public:
    std::int64_t of(bus::Timestamp time) {
        return micros(time) - std::exchange(previous_, micros(time));
    }
    bus::Timestamp time(Value difference) {
        previous_ += difference.integer().value_or(0);
        return bus::Timestamp{bus::microseconds{previous_}};
    }

private:
    std::int64_t previous_ = 0;
};

void write_waiting(Writer& writer, const WaitingMessages& waiting) {
    Differences differences;
    if (!waiting.older.empty()) {
        writer.member("waiting_span_bits", std::int64_t{waiting.span_bits});
        writer.key("waiting_before").begin_array();
        for (const WaitingMessages::Group& group : waiting.older) {
            writer.integer(differences.of(group.oldest)).integer(differences.of(group.newest));
            writer.integer(static_cast<std::int64_t>(group.count));
        }
        writer.end_array();
    }
    if (waiting.newest.empty()) return;
    writer.key("waiting").begin_array();
    for (const bus::Timestamp time : waiting.newest) writer.integer(differences.of(time));
    writer.end_array();
}

void read_waiting(const Value& state, WaitingMessages& waiting) {
    Differences differences;
    waiting.span_bits = static_cast<int>(state["waiting_span_bits"].integer().value_or(0));
    const Value older = state["waiting_before"];
    for (std::size_t i = 0; i + 2 < older.size(); i += 3) {
        WaitingMessages::Group& group = waiting.older.emplace_back();
        group.oldest = differences.time(older.at(i));
        group.newest = differences.time(older.at(i + 1));
        group.count = static_cast<std::size_t>(older.at(i + 2).integer().value_or(0));
    }
    state["waiting"].each_element(
        [&](Value difference) { waiting.newest.push_back(differences.time(difference)); });
}

void write_first_response(Writer& writer, const FirstResponse& response) {
    if (response.asked_at) writer.member("asked", micros(*response.asked_at));
    if (response.unprompted.empty()) return;
    Differences differences;
    writer.key("unprompted").begin_array();
    for (const bus::Timestamp time : response.unprompted) writer.integer(differences.of(time));
    writer.end_array();
}

void read_first_response(const Value& state, FirstResponse& response) {
    response.asked_at = time_of(state["asked"]);
    Differences differences;
    state["unprompted"].each_element(
        [&](Value difference) { response.unprompted.push_back(differences.time(difference)); });
}

void write_state(Writer& writer, const ConversationRow& row) {
    writer.begin_object();
    writer.member("last", message_id(row.last.message));
    if (!row.customer_name.empty()) append_order(writer.key("name"), row.name_order);
    if (row.answered) writer.member("answered", micros(*row.answered));
    if (row.marked_read) writer.member("read", micros(*row.marked_read));
    write_first_response(writer, row.first_response);
    write_waiting(writer, row.waiting);
    writer.end_object();
}

void read_state(const Value& state, ConversationRow& row) {
    row.last.message = parse_message_id(state["last"].text()).value_or(MessageKey{});
    if (const Value order = state["name"]) row.name_order = order_of(order);
    row.answered = time_of(state["answered"]);
    row.marked_read = time_of(state["read"]);
    read_first_response(state, row.first_response);
    read_waiting(state, row.waiting);
}

}  // namespace

void ConversationRow::encode(std::string& out) const {
    Writer shown{out};
    write_shown(shown, *this);
    out += '\n';
    Writer state{out};
    write_state(state, *this);
}

bus::Result<bus::Done> ConversationRow::decode(std::string_view stored) {
    const auto documents = read_stored(stored);
    if (!documents) return documents.error();
    const Value& shown = documents->shown;
    const auto parsed_key = parse_conversation_id(shown["id"].text());
    if (!parsed_key) return bus::fail(bus::ErrorCode::corrupt, "a conversation without its id");
    key = *parsed_key;
    channel = text_of(shown["channel"]);
    business_number = text_of(shown["business_number"]);
    customer_key = text_of(shown["customer_key"]);
    customer_name = text_of(shown["customer_name"]);
    message_count = static_cast<std::uint64_t>(shown["message_count"].integer().value_or(0));
    last.source = text_of(shown["source"]);
    last.preview = text_of(shown["last_message_preview"]);
    last.at = time_of(shown["last_message_at"]).value_or(bus::Timestamp{});
    last.inbound = is_inbound(shown["last_direction"].text());
    last_inbound_at = time_of(shown["last_inbound_at"]);
    last_outbound_at = time_of(shown["last_outbound_at"]);
    first_response.at = time_of(shown["first_response_at"]);
    read_state(documents->state, *this);
    return bus::Done{};
}

void CountRow::encode(std::string& out) const {
    Writer writer{out};
    writer.begin_object().member("conversations", static_cast<std::int64_t>(conversations));
    writer.end_object();
}

bus::Result<bus::Done> CountRow::decode(std::string_view stored) {
    const auto documents = read_stored(stored);
    if (!documents) return documents.error();
    conversations =
        static_cast<std::uint64_t>(documents->shown["conversations"].integer().value_or(0));
    return bus::Done{};
}

}  // namespace projections::chat
