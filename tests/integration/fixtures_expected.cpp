#include "tests/integration/fixtures_expected.hpp"

#include <algorithm>

namespace tests {
namespace {

// A message that is said for the first time opens a conversation and stands in the timeline. A
// receipt, a reaction or an edit of a message that never came has no conversation to stand in;
// of the receipts only sent, failed and deleted have a line.
constexpr std::string_view message = "1 conversations, 1 lines, 1 messages";
constexpr std::string_view line = "1 lines";
constexpr std::string_view nothing;

constexpr std::string_view customer = "1 customers, 1 lines";
constexpr std::string_view subscription = "1 customers, 1 lines, 1 subscriptions";
constexpr std::string_view invoice = "1 customers, 1 invoices, 1 lines";
constexpr std::string_view failed_invoice = "1 customers, 1 failed payments, 1 invoices, 1 lines";

}  // namespace

const Expected& expected_of(const ExpectedTable& table, std::string_view path) {
    return *std::find_if(table.begin(), table.end(),
                         [path](const Expected& row) { return path.find(row.part) != path.npos; });
}

const ExpectedTable whatsapp_expected{
    {"courier-error_errors", "whatsapp.account.error_reported"},
    {"courier-error_status", "whatsapp.message.failed", line},
    {"courier-ignore_status", "whatsapp.message.deleted", line},
    {"courier-invalid_status", "whatsapp.message.status_unknown", line},
    {"courier-no_from", "", nothing, "$message.from_user_id: customer_ref: is absent"},
    {"marketing_status", "whatsapp.message.delivered"},
    {"service_status", "whatsapp.message.delivered"},
    {"status_conversation_initiated", "whatsapp.message.read"},
    {"status_notification_with_erro", "whatsapp.message.failed", line},
    {"status_notification_without_e", "whatsapp.message.delivered"},
    {"a_status_notification", "whatsapp.message.read"},
    {"removed_reaction", "whatsapp.message.reacted", line},
    {"unreaction", "whatsapp.message.reacted", line},
    {"deleted_message", "whatsapp.message.deleted", line},
    {"outgoing_message-delete", "whatsapp.message.deleted", line},
    {"outgoing_message-edit", "whatsapp.message.edited", line},
    {"outgoing_message-text", "whatsapp.message.sent", message},
    {"message_status-group", "whatsapp.message.read"},
    {"message_status-played", "whatsapp.message.read"},
    {"message_status-read", "whatsapp.message.read"},
    {"message_status-sent", "whatsapp.message.sent", line},
    {"template_status_update-approved", "whatsapp.template.approved"},
    {"template_status_update-rejected", "whatsapp.template.rejected"},
    {"call_permission", "whatsapp.message.received", message},
    {"pywa-account_update", "whatsapp.account.changed"},
    {"call_terminate", "whatsapp.account.error_reported whatsapp.account.changed"},
    {"interactive_message_with_err", "whatsapp.message.received whatsapp.account.error_reported",
     message},
    {"pywa-call_", "whatsapp.account.changed"},
    {"pywa-template_", "whatsapp.account.changed"},
    {"pywa-user_marketing", "whatsapp.account.changed"},
    {"system_notification", "whatsapp.customer.changed", line},  // no message of the customer
    {"system-identity_change", "whatsapp.customer.changed", line},
    // Also the two that tell one message id twice (courier-duplicate, multiple_text).
    {"", "whatsapp.message.received", message},
};

const ExpectedTable interakt_expected{
    {"api_delivered", "whatsapp.message.delivered"},
    {"minimal_delivered", "whatsapp.message.delivered"},
    {"api_read", "whatsapp.message.read"},
    {"api_sent", "whatsapp.message.sent", message},
    {"clicked", "whatsapp.message.clicked", line},
    {"missing_message_id", "", nothing, "data.message.id: message_id: is absent"},
    {"unknown_type", "whatsapp.provider.notified", line},
    {"", "whatsapp.message.received", message},
};

const ExpectedTable netcore_expected{
    {"reaction", "whatsapp.message.reacted", line},
    {"", "whatsapp.message.received", message},
};

const ExpectedTable exotel_expected{
    {"call_disconnected", "ivr.call.reported ivr.call.hung_up", "1 calls hangup, 1 lines"},
    {"call_end", "ivr.call.reported ivr.call.completed", "1 calls completed, 1 lines"},
    {"call_initiation", "ivr.call.reported ivr.call.started", "1 calls ringing, 1 lines"},
    {"call_not_answered", "ivr.call.reported ivr.call.missed", "1 calls no_answer, 1 lines"},
    {"outbound-terminal", "ivr.call.reported ivr.call.completed", "1 calls completed, 1 lines"},
    {"", "ivr.call.reported ivr.call.started", "1 calls ringing, 1 lines"},
};

const ExpectedTable ivr_expected{
    {"", "ivr.call.reported ivr.call.started", "1 calls ringing, 1 lines"},
};

const ExpectedTable kaleyra_expected{
    {"callback", "ivr.call.reported ivr.call.completed", "1 calls completed, 1 lines"},
    {"", "ivr.call.reported", "1 calls unknown"},  // call masking tells no state
};

const ExpectedTable stripe_expected{
    {"customer.created", "billing.customer.created", customer},
    {"customer.updated", "billing.customer.updated", customer},
    {"customer.deleted", "billing.customer.deleted", customer},
    {"subscription.created", "billing.subscription.created", subscription},
    {"subscription.deleted", "billing.subscription.cancelled", subscription},
    {"subscription.updated", "billing.subscription.changed", subscription},
    {"invoice.finalized", "billing.invoice.finalized", invoice},
    {"invoice.payment_succeeded", "billing.invoice.paid", invoice},
    {"invoice.payment_failed", "billing.invoice.payment_failed", failed_invoice},
    {"invoice.payment_action_required", "billing.invoice.payment_failed", failed_invoice},
    {"account.updated", "billing.stripe.notified", line},  // an e-mail address, no customer
    // Of nobody yet: links, intents without a customer, a method that was taken away.
    {"payment_link", "billing.stripe.notified"},
    {"setup_intent", "billing.stripe.notified"},
    {"invoice.updated", "billing.stripe.notified"},  // an invoice_payment names no customer
    {"payment_method.detached", "billing.stripe.notified"},
    {"", "billing.stripe.notified", customer},
};

const ExpectedTable chargebee_expected{
    {"api-event", "billing.customer.created", customer},
    {"customer_created", "billing.customer.created", customer},
    {"customer_changed", "billing.customer.updated", customer},
    {"customer_moved_in", "billing.customer.created", customer},
    {"customer_moved_out", "billing.customer.deleted", customer},
    {"customer_deleted", "billing.customer.deleted", customer},
    {"subscription_started", "billing.subscription.trial_started", subscription},
    {"subscription_activated", "billing.subscription.activated", subscription},
    {"subscription_changed", "billing.subscription.changed", subscription},
    {"subscription_renewed", "billing.subscription.renewed", subscription},
    {"subscription_resumed", "billing.subscription.resumed", subscription},
    {"subscription_cancellation_scheduled", "billing.subscription.cancel_scheduled", subscription},
    {"subscription_cancelled", "billing.subscription.cancelled", subscription},
    {"subscription_trial_end_reminder", "billing.subscription.trial_ending", subscription},
    {"subscription_scheduled_cancellation_removed", "billing.subscription.changed", subscription},
    {"/invoice_generated", "billing.invoice.finalized", invoice},
    {"/invoice_updated", "billing.invoice.overdue", invoice},  // to payment_due
    {"/payment_succeeded", "billing.payment.succeeded", invoice},
    {"/payment_refunded", "billing.payment.refunded", customer},
    {"card_expiry_reminder", "billing.card.expiring", "1 cards, 1 customers, 1 lines"},
    // Of the catalogue, not of a customer; a payment intent does not name its own.
    {"addon_", "billing.chargebee.notified"},
    {"coupon_", "billing.chargebee.notified"},
    {"plan_", "billing.chargebee.notified"},
    {"payment_intent_", "billing.chargebee.notified"},
    {"", "billing.chargebee.notified", customer},
};

// Mails without a sender, and what mail servers report, have no customer and no line; a report is
// received and a bounce. One file of enmime is no mail at all. The mailing lists have real threads.
const std::vector<ExpectedMails> mails_expected{
    {"email/apache-mime4j", "49 email.message.received, 27 lines, 49 mails, 49 sent, 49 threads"},
    {"email/chatwoot",
     "2 email.message.bounced, 24 email.message.received, 22 lines, 24 mails, 24 sent, 24 threads"},
    {"email/enmime",
     "1 dead letters, 2 email.message.bounced, 38 email.message.received, 36 lines, 38 mails, 39 "
     "sent, 38 threads"},
    {"email/flanker",
     "4 email.message.bounced, 29 email.message.received, 24 lines, 29 mails, 29 sent, 29 threads"},
    {"email/mikel-mail",
     "4 email.message.bounced, 66 email.message.received, 61 lines, 66 mails, 66 sent, 66 threads"},
    {"email/mimekit",
     "4 email.message.bounced, 21 email.message.received, 16 lines, 21 mails, 21 sent, 21 threads"},
    {"email/mimekit-mbox", "24 email.message.received, 24 lines, 24 mails, 24 sent, 24 threads"},
    {"email/msgreader", "7 email.message.received, 7 lines, 7 mails, 7 sent, 7 threads"},
    {"email/nodemailer-mailparser",
     "1 email.message.bounced, 5 email.message.received, 3 lines, 5 mails, 5 sent, 5 threads"},
    {"email/patchwork-mbox", "96 email.message.received, 86 lines, 96 mails, 96 sent, 51 threads"},
    {"email/stalwart-mail-parser",
     "71 email.message.received, 50 lines, 71 mails, 71 sent, 71 threads"},
    {"email/talon", "8 email.message.received, 8 lines, 8 mails, 8 sent, 8 threads"},
};

const std::vector<std::string_view> described_folders{
    "chat/whatsapp-cloud", "chat/interakt", "chat/netcore",   "voice/exotel",
    "voice/generic-ivr",   "voice/kaleyra", "billing/stripe", "billing/chargebee"};

const std::vector<std::string_view> kept_folders{
    "billing/razorpay",    "billing/recurly",    "billing/shopify",      "chat/kaleyra-whatsapp",
    "chat/slack",          "chat/twilio-sms",    "chat/twilio-whatsapp", "courses/kajabi",
    "courses/teachable",   "email/gmail-pubsub", "email/reply-bodies",   "identity/workos",
    "scheduling/calendly", "social/youtube",     "ticketing/freshdesk",  "ticketing/intercom",
    "ticketing/zendesk",   "voice/callerdesk",   "voice/mobtexting",     "voice/twilio",
    "voice/vonage"};

const std::string_view kept_expected = "185 .json, 74 .txt, 20 .xml";

}  // namespace tests
