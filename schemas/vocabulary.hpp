// The closed list of canonical fields and the known event types (PRODUCT section 6).
//
// A mapping may only emit these fields; event types are open, and one not listed is
// EventType::other: indexed and searchable, folded by none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace schemas {

// X(name, kind): kind is how a mapping must produce it and how an answer shows it.
// Laid out by hand, since comments inside a macro defeat the formatter.
// clang-format off
#define SCHEMAS_FIELDS(X)                                                                         \
    /* who and where */                                                                           \
    X(customer_phone, text) X(customer_name, text) X(customer_ref, text) X(customer_email, text)  \
    X(business_number, text) X(business_account, text) X(channel, text) X(direction, text)        \
    X(agent, text) X(agent_number, text) X(agent_name, text) X(team, text) X(department, text)    \
    X(service, text) X(location, text) X(operator_name, text) X(custom_ref, text)                 \
    /* messages */                                                                                \
    X(message_id, text) X(reply_to, text) X(kind, text) X(text, text) X(media_id, text)           \
    X(media_url, text) X(media_type, text) X(file_name, text) X(template_name, text)              \
    X(button_payload, text) X(emoji, text) X(latitude, text) X(longitude, text) X(sender, text)   \
    X(status, text) X(error_code, text) X(error_text, text) X(quality, text) X(language, text)    \
    X(category, text) X(private_note, boolean) X(origin, text)                                    \
    /* calls */                                                                                   \
    X(call_id, text) X(leg, text) X(caller, text) X(callee, text) X(started_at, time)             \
    X(answered_at, time) X(ended_at, time) X(duration_s, integer) X(talk_s, integer)              \
    X(ring_s, integer) X(billed_s, integer) X(recording_url, text) X(dtmf, text)                  \
    X(hangup_by, text) X(agent_status, text) X(customer_status, text)                             \
    /* billing */                                                                                 \
    X(billing_system, text) X(subscription_id, text) X(invoice_id, text) X(payment_id, text)      \
    X(plan, text) X(amount_minor, integer) X(amount_due_minor, integer) X(currency, text)         \
    X(quantity, integer) X(period_start, time) X(period_end, time) X(trial_end, time)             \
    X(cancel_at, time) X(cancelled_at, time) X(due_at, time) X(next_attempt_at, time)             \
    X(attempt, integer) X(failure_code, text) X(failure_text, text) X(card_brand, text)           \
    X(card_last4, text) X(card_expiry_month, integer) X(card_expiry_year, integer)                \
    X(object_version, integer) X(billing_reason, text)                                            \
    /* mail */                                                                                    \
    X(mailbox, text) X(in_reply_to, text) X(references, text) X(subject, text) X(from, text)      \
    X(from_name, text) X(to, text) X(cc, text) X(snippet, text) X(attachment_count, integer)      \
    X(auto_reply, boolean) X(bounce, boolean) X(size_bytes, integer)                              \
    /* anything */                                                                                \
    X(title, text) X(body, text) X(object_id, text) X(value, integer)
// clang-format on

enum class Field : std::uint8_t {
#define X(name, kind) name,
    SCHEMAS_FIELDS(X)
#undef X
};

inline constexpr std::size_t field_count = 0
#define X(name, kind) +1
    SCHEMAS_FIELDS(X)
#undef X
    ;

enum class FieldKind : std::uint8_t { text, integer, boolean, time };

std::string_view name(Field field);
FieldKind kind_of(Field field);
std::optional<Field> parse_field(std::string_view name);

// X(identifier, "name")
#define SCHEMAS_EVENT_TYPES(X)                                                        \
    X(whatsapp_message_received, "whatsapp.message.received")                         \
    X(whatsapp_message_queued, "whatsapp.message.queued")                             \
    X(whatsapp_message_sent, "whatsapp.message.sent")                                 \
    X(whatsapp_message_delivered, "whatsapp.message.delivered")                       \
    X(whatsapp_message_read, "whatsapp.message.read")                                 \
    X(whatsapp_message_failed, "whatsapp.message.failed")                             \
    X(whatsapp_message_deleted, "whatsapp.message.deleted")                           \
    X(whatsapp_message_edited, "whatsapp.message.edited")                             \
    X(whatsapp_message_reacted, "whatsapp.message.reacted")                           \
    X(whatsapp_template_approved, "whatsapp.template.approved")                       \
    X(whatsapp_template_rejected, "whatsapp.template.rejected")                       \
    X(whatsapp_template_paused, "whatsapp.template.paused")                           \
    X(whatsapp_template_disabled, "whatsapp.template.disabled")                       \
    X(whatsapp_template_deleted, "whatsapp.template.deleted")                         \
    X(whatsapp_template_submitted, "whatsapp.template.submitted")                     \
    X(whatsapp_number_quality_changed, "whatsapp.number.quality_changed")             \
    X(chat_conversation_read, "chat.conversation.read")                               \
    X(ivr_call_reported, "ivr.call.reported")                                         \
    X(ivr_call_started, "ivr.call.started")                                           \
    X(ivr_call_answered, "ivr.call.answered")                                         \
    X(ivr_call_missed, "ivr.call.missed")                                             \
    X(ivr_call_hung_up, "ivr.call.hung_up")                                           \
    X(ivr_call_completed, "ivr.call.completed")                                       \
    X(ivr_call_failed, "ivr.call.failed")                                             \
    X(ivr_call_voicemail_left, "ivr.call.voicemail_left")                             \
    X(voice_call_ended, "voice.call.ended")                                           \
    X(email_message_received, "email.message.received")                               \
    X(email_message_sent, "email.message.sent")                                       \
    X(email_message_read, "email.message.read")                                       \
    X(email_message_unread, "email.message.unread")                                   \
    X(email_message_bounced, "email.message.bounced")                                 \
    X(billing_customer_created, "billing.customer.created")                           \
    X(billing_customer_updated, "billing.customer.updated")                           \
    X(billing_customer_deleted, "billing.customer.deleted")                           \
    X(billing_subscription_created, "billing.subscription.created")                   \
    X(billing_subscription_activated, "billing.subscription.activated")               \
    X(billing_subscription_changed, "billing.subscription.changed")                   \
    X(billing_subscription_renewed, "billing.subscription.renewed")                   \
    X(billing_subscription_paused, "billing.subscription.paused")                     \
    X(billing_subscription_resumed, "billing.subscription.resumed")                   \
    X(billing_subscription_cancel_scheduled, "billing.subscription.cancel_scheduled") \
    X(billing_subscription_cancelled, "billing.subscription.cancelled")               \
    X(billing_subscription_reactivated, "billing.subscription.reactivated")           \
    X(billing_subscription_trial_started, "billing.subscription.trial_started")       \
    X(billing_subscription_trial_ending, "billing.subscription.trial_ending")         \
    X(billing_subscription_expired, "billing.subscription.expired")                   \
    X(billing_invoice_created, "billing.invoice.created")                             \
    X(billing_invoice_finalized, "billing.invoice.finalized")                         \
    X(billing_invoice_paid, "billing.invoice.paid")                                   \
    X(billing_invoice_payment_failed, "billing.invoice.payment_failed")               \
    X(billing_invoice_voided, "billing.invoice.voided")                               \
    X(billing_invoice_overdue, "billing.invoice.overdue")                             \
    X(billing_payment_succeeded, "billing.payment.succeeded")                         \
    X(billing_payment_failed, "billing.payment.failed")                               \
    X(billing_payment_refunded, "billing.payment.refunded")                           \
    X(billing_payment_disputed, "billing.payment.disputed")                           \
    X(billing_card_expiring, "billing.card.expiring")                                 \
    X(support_timeline_entry_added, "support.timeline_entry.added")

enum class EventType : std::uint16_t {
    other,
#define X(identifier, text) identifier,
    SCHEMAS_EVENT_TYPES(X)
#undef X
};

EventType parse_event_type(std::string_view name);  // other when not listed
std::string_view name(EventType type);              // "" for other

}  // namespace schemas
