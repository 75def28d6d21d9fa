#include "projections/timeline/timeline_templates.hpp"

#include "bus/ids.hpp"
#include "schemas/mapping/scalars.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace projections {

using schemas::Event;
using schemas::EventType;
using schemas::Field;
using schemas::FieldValue;

namespace {

struct TemplateLine {
    EventType type;
    std::string_view kind;
    std::string_view title;
    std::vector<Field> body;
    std::string_view ref_type;
    Field ref;
    Actor actor;
    bool times_may_differ = false;
};

// Receipts other than sent and failed have no line: they are shown with their message. Nor has
// ivr.call.reported: what it means is told by the events beside it.
std::vector<TemplateLine> template_lines() {
    using T = EventType;
    using F = Field;
    const std::vector<F> text = {F::text, F::template_name, F::file_name};
    const std::vector<F> none;
    const auto by_direction = Actor::by_direction;
    const auto customer = Actor::customer;
    const auto business = Actor::business;
    const auto system = Actor::system;
    const bool may_differ = true;
    return {
        {T::other, "event", "", {F::body, F::text, F::snippet}, "", F::object_id, system},
        {T::whatsapp_message_received, "message", "WhatsApp [{kind} ]message received", text,
         "message", F::message_id, customer},
        {T::whatsapp_message_sent, "message", "WhatsApp [{kind} ]message sent", text, "message",
         F::message_id, by_direction},
        {T::whatsapp_message_failed, "message",
         "WhatsApp message failed[: {error_text|error_code}]", text, "message", F::message_id,
         by_direction},
        {T::whatsapp_message_deleted, "message", "WhatsApp message deleted", none, "message",
         F::message_id, by_direction},
        {T::whatsapp_message_edited, "message", "WhatsApp message edited", text, "message",
         F::message_id, by_direction},
        {T::whatsapp_message_reacted, "reaction", "Reaction[ {emoji}]", none, "message",
         F::message_id, by_direction},
        {T::ivr_call_started, "call", "Call started[ with {agent_name|agent|agent_number}]", none,
         "call", F::call_id, by_direction},
        {T::ivr_call_answered, "call", "Call answered[ by {agent_name|agent|agent_number}]", none,
         "call", F::call_id, business},
        {T::ivr_call_missed, "call", "Call missed[ by {agent_name|department|agent_number}]", none,
         "call", F::call_id, by_direction},
        {T::ivr_call_hung_up, "call", "Call hung up[ by {hangup_by}]", none, "call", F::call_id,
         by_direction},
        {T::ivr_call_completed, "call",
         "Call completed[ with {agent_name|agent|agent_number}][, {talk_s|duration_s} s]", none,
         "call", F::call_id, by_direction},
        {T::ivr_call_failed, "call", "Call failed[: {error_text|status}]", none, "call", F::call_id,
         by_direction},
        {T::ivr_call_voicemail_left, "call", "Voicemail left[, {duration_s} s]", none, "call",
         F::call_id, customer},
        {T::voice_call_ended, "call", "Call ended[: {status}][, {talk_s|duration_s} s]", none,
         "call", F::call_id, by_direction},
        {T::email_message_received,
         "mail",
         "Mail received[: {subject}]",
         {F::snippet, F::text},
         "mail",
         F::message_id,
         customer,
         may_differ},
        {T::email_message_sent,
         "mail",
         "Mail sent[: {subject}]",
         {F::snippet, F::text},
         "mail",
         F::message_id,
         business,
         may_differ},
        {T::email_message_bounced,
         "mail",
         "Mail bounced[: {subject}]",
         {F::snippet, F::text},
         "mail",
         F::message_id,
         system,
         may_differ},
        {T::billing_customer_created, "customer", "Customer created in billing", none, "customer",
         F::customer_ref, system},
        {T::billing_customer_updated, "customer", "Customer changed in billing", none, "customer",
         F::customer_ref, system},
        {T::billing_customer_deleted, "customer", "Customer deleted in billing", none, "customer",
         F::customer_ref, system},
        {T::billing_subscription_created, "subscription", "Subscription created[: {plan}]", none,
         "subscription", F::subscription_id, system},
        {T::billing_subscription_activated, "subscription", "Subscription activated[: {plan}]",
         none, "subscription", F::subscription_id, system},
        {T::billing_subscription_changed, "subscription", "Subscription changed[: {plan}]", none,
         "subscription", F::subscription_id, system},
        {T::billing_subscription_renewed, "subscription", "Subscription renewed[: {plan}]", none,
         "subscription", F::subscription_id, system},
        {T::billing_subscription_paused, "subscription", "Subscription paused[: {plan}]", none,
         "subscription", F::subscription_id, system},
        {T::billing_subscription_resumed, "subscription", "Subscription resumed[: {plan}]", none,
         "subscription", F::subscription_id, system},
        {T::billing_subscription_cancel_scheduled, "subscription",
         "Subscription will be cancelled[ at {cancel_at}][: {plan}]", none, "subscription",
         F::subscription_id, system, may_differ},
        {T::billing_subscription_cancelled, "subscription", "Subscription cancelled[: {plan}]",
         none, "subscription", F::subscription_id, system},
        {T::billing_subscription_reactivated, "subscription", "Subscription reactivated[: {plan}]",
         none, "subscription", F::subscription_id, system},
        {T::billing_subscription_trial_started, "subscription", "Trial started[: {plan}]", none,
         "subscription", F::subscription_id, system},
        {T::billing_subscription_trial_ending, "subscription", "Trial ends[ at {trial_end}]", none,
         "subscription", F::subscription_id, system},
        {T::billing_subscription_expired, "subscription", "Subscription expired[: {plan}]", none,
         "subscription", F::subscription_id, system},
        {T::billing_invoice_created, "invoice",
         "Invoice[ {invoice_id}] created[: {amount_minor|amount_due_minor}]", none, "invoice",
         F::invoice_id, system},
        {T::billing_invoice_finalized, "invoice",
         "Invoice[ {invoice_id}] issued[: {amount_minor|amount_due_minor}]", none, "invoice",
         F::invoice_id, system},
        {T::billing_invoice_paid, "invoice", "Invoice[ {invoice_id}] paid[: {amount_minor}]", none,
         "invoice", F::invoice_id, system, may_differ},
        {T::billing_invoice_payment_failed,
         "invoice",
         "Payment of invoice[ {invoice_id}] failed[: {amount_due_minor|amount_minor}]",
         {F::failure_text, F::failure_code},
         "invoice",
         F::invoice_id,
         system,
         may_differ},
        {T::billing_invoice_voided, "invoice", "Invoice[ {invoice_id}] voided", none, "invoice",
         F::invoice_id, system, may_differ},
        {T::billing_invoice_overdue, "invoice",
         "Invoice[ {invoice_id}] overdue[: {amount_due_minor|amount_minor}]", none, "invoice",
         F::invoice_id, system, may_differ},
        {T::billing_payment_succeeded, "payment", "Payment succeeded[: {amount_minor}]", none,
         "payment", F::payment_id, system, may_differ},
        {T::billing_payment_failed,
         "payment",
         "Payment failed[: {amount_minor}]",
         {F::failure_text, F::failure_code},
         "payment",
         F::payment_id,
         system,
         may_differ},
        {T::billing_payment_refunded, "payment", "Payment refunded[: {amount_minor}]", none,
         "payment", F::payment_id, system, may_differ},
        {T::billing_payment_disputed,
         "payment",
         "Payment disputed[: {amount_minor}]",
         {F::failure_text},
         "payment",
         F::payment_id,
         system,
         may_differ},
        {T::billing_card_expiring, "card", "Card[ {card_brand}][ ending in {card_last4}] expires",
         none, "", F::object_id, system},
        {T::support_timeline_entry_added,
         "note",
         "{title}",
         {F::body, F::text},
         "",
         F::object_id,
         by_direction},
    };
}

bool is_money(Field field) {
    return field == Field::amount_minor || field == Field::amount_due_minor;
}

std::string money_text(std::int64_t minor, std::string_view currency) {
    const int digits = schemas::mapping::currency_exponent(currency);
    std::uint64_t unit = 1;
    for (int i = 0; i < digits; ++i) unit *= 10;
    const std::uint64_t amount =
        minor < 0 ? -static_cast<std::uint64_t>(minor) : static_cast<std::uint64_t>(minor);
    std::string text = fmt::format("{}{}", minor < 0 ? "-" : "", amount / unit);
    if (digits > 0) text += fmt::format(".{:0{}}", amount % unit, digits);
    if (!currency.empty()) text.append(" ").append(currency);
    return text;
}

std::string shown_value(const Event& event, Field field) {
    const FieldValue value = event.get(field);
    switch (value.kind) {
        case FieldValue::Kind::absent:
            return {};
        case FieldValue::Kind::text:
            return std::string{value.text};
        case FieldValue::Kind::boolean:
            return value.number ? "yes" : "no";
        case FieldValue::Kind::time:
            return bus::to_iso(value.time());
        case FieldValue::Kind::integer:
            break;
    }
    if (is_money(field)) return money_text(value.number, event.text(Field::currency));
    return std::to_string(value.number);
}

std::vector<Field> parse_alternatives(std::string_view names) {
    std::vector<Field> fields;
    while (!names.empty()) {
        const std::size_t bar = std::min(names.find('|'), names.size());
        const auto field = schemas::parse_field(names.substr(0, bar));
        BUS_ASSERT(field, "a timeline title names known fields");
        fields.push_back(*field);
        names.remove_prefix(std::min(bar + 1, names.size()));
    }
    return fields;
}

}  // namespace

TitleTemplate::TitleTemplate(std::string_view text) {
    std::size_t group = 0;
    std::size_t groups = 0;
    while (!text.empty()) {
        if (text.front() == '[' || text.front() == ']') {
            group = text.front() == '[' ? ++groups : 0;
            text.remove_prefix(1);
        } else if (text.front() == '{') {
            const std::size_t end = text.find('}');
            pieces_.push_back({"", parse_alternatives(text.substr(1, end - 1)), group});
            text.remove_prefix(end + 1);
        } else {
            const std::size_t end = std::min(text.find_first_of("[]{"), text.size());
            pieces_.push_back({std::string{text.substr(0, end)}, {}, group});
            text.remove_prefix(end);
        }
    }
}

std::string TitleTemplate::render(const Event& event) const {
    std::string out;
    std::size_t group = 0;
    std::size_t group_begin = 0;
    bool dropped = false;
    for (const Piece& piece : pieces_) {
        if (piece.group != group) {
            group = piece.group;
            group_begin = out.size();
            dropped = false;
        }
        if (group != 0 && dropped) continue;
        out += piece.literal;
        if (piece.fields.empty()) continue;
        std::string value;
        for (const Field field : piece.fields) {
            if (value = shown_value(event, field); !value.empty()) break;
        }
        dropped = value.empty();
        if (dropped && group != 0)
            out.resize(group_begin);
        else
            out += value;
    }
    return out;
}

const TimelineTemplate* find_timeline_template(EventType type) {
    static const auto table = [] {
        std::map<EventType, TimelineTemplate> templates;
        for (TemplateLine& line : template_lines()) {
            templates.emplace(
                line.type,
                TimelineTemplate{line.kind, TitleTemplate{line.title}, std::move(line.body),
                                 line.ref_type, line.ref, line.actor, line.times_may_differ});
        }
        return templates;
    }();
    const auto found = table.find(type);
    return found == table.end() ? nullptr : &found->second;
}

}  // namespace projections
