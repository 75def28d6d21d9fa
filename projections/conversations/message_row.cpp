#include "projections/conversations/message_row.hpp"

#include "projections/cut_text.hpp"

#include <algorithm>

namespace projections::chat {

namespace {

constexpr std::array<std::string_view, receipt_count> receipt_names = {
    "queued", "sent", "delivered", "read", "failed", "deleted"};

// Best first: a state further up hides all below it.
constexpr std::array shown_first = {Receipt::deleted, Receipt::read, Receipt::delivered,
                                    Receipt::failed,  Receipt::sent, Receipt::queued};

MeasureValue text_value(std::string_view text) {
    MeasureValue value;
    if (text.empty()) return value;
    value.kind = MeasureValue::Kind::text;
    value.text = text;
    return value;
}

MeasureValue time_value(bus::Timestamp time) {
    MeasureValue value;
    value.kind = MeasureValue::Kind::time;
    value.number = time.time_since_epoch().count();
    return value;
}

}  // namespace

std::string_view name(Receipt receipt) {
    return receipt_names[static_cast<std::size_t>(receipt)];
}

void MessageRow::receive(Receipt receipt, bus::Timestamp at) {
    auto& first = reached[static_cast<std::size_t>(receipt)];
    if (!first || at < *first) first = at;
}

void MessageRow::fail(Failure reported) {
    receive(Receipt::failed, reported.order.time);
    if (!failure || reported.order < failure->order) failure = std::move(reported);
}

void MessageRow::edit(const schemas::EventOrder& order, std::string_view new_text) {
    if (edited && order <= *edited) return;
    edited = order;
    text = cut_at_code_point(new_text, message_text_bytes_max);
}

void MessageRow::react(const std::string& sender, Reaction reaction) {
    const auto [found, is_new] = reactions.try_emplace(sender, reaction);
    if (!is_new && found->second.order < reaction.order) found->second = std::move(reaction);
    // Which senders stay must not depend on who came first.
    if (reactions.size() > reactions_max) reactions.erase(std::prev(reactions.end()));
}

std::string_view MessageRow::status() const {
    for (const Receipt receipt : shown_first) {
        if (has(receipt)) return name(receipt);
        if (receipt == Receipt::deleted && content && content->inbound) return "received";
    }
    return content ? "sent" : "";
}

std::string MessageRow::preview() const {
    if (!content || has(Receipt::deleted)) return {};
    if (!text.empty()) return one_line(text, preview_characters_max);
    if (!content->template_name.empty()) return '[' + content->template_name + ']';
    return '[' + content->kind + ']';
}

void MessageRow::index_entries(IndexSink& sink) const {
    KeyWriter entry;
    if (content) {
        entry.byte(static_cast<std::uint8_t>(IndexTag::messages))
            .id(content->conversation)
            .time(content->at)
            .id(key)
            .text(content->kind)
            .raw(content->inbound ? "i" : "o");
    } else {
        entry.byte(static_cast<std::uint8_t>(IndexTag::parked)).time(*parked_since).id(key);
    }
    sink.entry(entry.str());
}

void MessageRow::measure_values(std::vector<MeasureValue>& values) const {
    values.push_back(time_value(content->at));
    values.push_back(text_value(content->channel));
    values.push_back(text_value(content->inbound ? "in" : "out"));
    values.push_back(text_value(content->kind));
    values.push_back(text_value(status()));
    values.push_back(text_value(source));
    values.push_back(text_value(content->business_number));
}

}  // namespace projections::chat
