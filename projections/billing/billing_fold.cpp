#include "projections/billing/billing_fold.hpp"

#include "bus/crypto/digest.hpp"
#include "projections/billing/billing_rows.hpp"
#include "projections/text_limits.hpp"

#include <algorithm>
#include <tuple>

namespace projections {

using namespace billing;
using schemas::Event;
using schemas::EventType;
using schemas::Field;

namespace {

// How far along a subscription or invoice is: of reports of one moment the further one is later.
// `status` stands where the report tells none.
struct Stage {
    EventType type;
    int rank;
    std::string_view status;
};
constexpr Stage subscription_stages[] = {
    {EventType::billing_subscription_created, 0, "active"},
    {EventType::billing_subscription_trial_started, 1, "trialing"},
    {EventType::billing_subscription_activated, 2, "active"},
    {EventType::billing_subscription_changed, 3, "active"},
    {EventType::billing_subscription_renewed, 3, "active"},
    {EventType::billing_subscription_reactivated, 3, "active"},
    {EventType::billing_subscription_resumed, 3, "active"},
    {EventType::billing_subscription_trial_ending, 3, "trialing"},
    {EventType::billing_subscription_paused, 4, "paused"},
    {EventType::billing_subscription_cancel_scheduled, 5, "active"},
    {EventType::billing_subscription_cancelled, 6, "cancelled"},
    {EventType::billing_subscription_expired, 7, "expired"},
};
constexpr Stage invoice_stages[] = {
    {EventType::billing_invoice_created, 0, "draft"},
    {EventType::billing_invoice_finalized, 1, "open"},
    {EventType::billing_invoice_payment_failed, 2, "open"},
    {EventType::billing_invoice_overdue, 3, "overdue"},
    {EventType::billing_invoice_paid, 5, "paid"},
    {EventType::billing_invoice_voided, 6, "void"},
};
constexpr int settled_by_payment_rank = 4;

constexpr Field subscription_fields[] = {
    Field::plan,      Field::currency,     Field::amount_minor,
    Field::quantity,  Field::period_start, Field::period_end,
    Field::trial_end, Field::cancel_at,    Field::cancelled_at};
constexpr Field invoice_fields[] = {Field::currency, Field::amount_minor,   Field::amount_due_minor,
                                    Field::due_at,   Field::attempt,        Field::next_attempt_at,
                                    Field::plan,     Field::subscription_id};
constexpr Field failure_fields[] = {Field::currency,     Field::amount_minor,   Field::failure_code,
                                    Field::failure_text, Field::invoice_id,     Field::payment_id,
                                    Field::attempt,      Field::next_attempt_at};
constexpr Field card_fields[] = {Field::card_brand, Field::card_last4, Field::card_expiry_month,
                                 Field::card_expiry_year};

template <std::size_t count>
const Stage* stage_of(EventType type, const Stage (&stages)[count]) {
    const auto found = std::find_if(std::begin(stages), std::end(stages),
                                    [&](const Stage& stage) { return stage.type == type; });
    return found == std::end(stages) ? nullptr : found;
}

template <std::size_t count>
void tell_all(LatestFields& fields, const Event& event, const Field (&told)[count],
              const ReportStamp& stamp) {
    for (const Field field : told) fields.tell(field, event.get(field), stamp);
}

std::string_view first_text(const Event& event, std::initializer_list<Field> fields) {
    for (const Field field : fields) {
        if (const std::string_view told = event.text(field); !told.empty()) return told;
    }
    return {};
}

// One spelling, whichever side of the ocean it came from.
std::string_view status_word(std::string_view word) {
    return word == "canceled" ? "cancelled" : word;
}

void count_event(const Event& event, Rows& rows) {
    EventRow told;
    told.at = event.time;
    told.type = event.type_name;
    told.system = short_text(event, Field::billing_system);
    told.plan = short_text(event, Field::plan);
    told.currency = short_text(event, Field::currency);
    if (const auto amount = event.get(Field::amount_minor)) told.amount_minor = amount.number;
    const auto order = [](const EventRow& row) {
        return std::tie(row.at, row.system, row.plan, row.currency, row.amount_minor);
    };
    const std::string key = event_row_key(event.id, event.type_name);
    const auto* there = rows.peek<EventRow>(Table::entries, key);
    if (there && order(*there) <= order(told)) return;
    rows.edit<EventRow>(Table::entries, key) = std::move(told);
}

CustomerKey tell_customer(const Event& event, Rows& rows) {
    const std::string_view system = event.text(Field::billing_system);
    const std::string_view ref = event.text(Field::customer_ref);
    const CustomerKey key = customer_key(system, ref);
    auto& row = rows.edit<CustomerRow>(Table::rows, customer_row_key(key));
    row.key = key;
    row.billing_system = short_name(system);
    row.customer_ref = short_name(ref);
    row.last_event_at = std::max(row.last_event_at, event.time);
    // Versions of different objects do not compare.
    ReportStamp stamp = stamp_of(event);
    stamp.version = 0;
    for (const Field field : {Field::customer_name, Field::customer_email, Field::customer_phone})
        row.fields.tell(field, event.get(field), stamp);
    if (event.type == EventType::billing_customer_deleted) {
        stamp.rank = 1;
        row.fields.tell_text(Field::status, "deleted", stamp);
    } else if (event.type == EventType::billing_customer_created ||
               event.type == EventType::billing_customer_updated) {
        row.fields.tell_text(Field::status, "active", stamp);
    }
    return key;
}

ObjectRow& object_of(const CustomerKey& customer, ObjectKind kind, std::string_view id,
                     const Event& event, Rows& rows) {
    const ObjectKey object = bus::crypto::hash_id({"billing object", id});
    auto& row = rows.edit<ObjectRow>(Table::rows, object_row_key(customer, kind, object));
    row.kind = kind;
    row.customer = customer;
    row.object = object;
    row.id = short_name(id);
    row.happened(event.time);
    return row;
}

void tell_subscription(const CustomerKey& customer, const Event& event, Rows& rows) {
    const Stage* stage = stage_of(event.type, subscription_stages);
    const std::string_view id = event.text(Field::subscription_id);
    if (!stage || id.empty()) return;
    ObjectRow& row = object_of(customer, ObjectKind::subscription, id, event, rows);
    const ReportStamp stamp = stamp_of(event, stage->rank);
    if (stamp <= row.newest) return;
    row.newest = stamp;
    row.fields = {};
    tell_all(row.fields, event, subscription_fields, stamp);
    const std::string_view told = status_word(event.text(Field::status));
    row.fields.tell_text(Field::status, told.empty() ? stage->status : told, stamp);
}

void tell_invoice(const CustomerKey& customer, const Event& event, Rows& rows) {
    const std::string_view id = event.text(Field::invoice_id);
    if (id.empty()) return;
    const auto due = event.get(Field::amount_due_minor);
    if (event.type == EventType::billing_payment_succeeded && due && due.number == 0) {
        object_of(customer, ObjectKind::invoice, id, event, rows)
            .fields.tell_text(Field::status, "paid", stamp_of(event, settled_by_payment_rank));
        return;
    }
    const Stage* stage = stage_of(event.type, invoice_stages);
    if (!stage) return;
    LatestFields& fields = object_of(customer, ObjectKind::invoice, id, event, rows).fields;
    const ReportStamp stamp = stamp_of(event, stage->rank);
    tell_all(fields, event, invoice_fields, stamp);
    const std::string_view told = status_word(event.text(Field::status));
    fields.tell_text(Field::status, told.empty() ? stage->status : told, stamp);
}

void tell_failure(const CustomerKey& customer, const Event& event, Rows& rows) {
    if (event.type != EventType::billing_payment_failed &&
        event.type != EventType::billing_invoice_payment_failed)
        return;
    const std::string_view told =
        first_text(event, {Field::invoice_id, Field::payment_id, Field::object_id});
    const std::string id = told.empty() ? bus::to_string(event.id) : std::string{told};
    ObjectRow& row = object_of(customer, ObjectKind::failed_payment, id, event, rows);
    tell_all(row.fields, event, failure_fields, stamp_of(event));
}

// By what is printed on it, since systems call a card by several ids; by its id where that is not
// told.
std::string card_name(const Event& event) {
    const bool told = std::any_of(std::begin(card_fields), std::end(card_fields),
                                  [&](Field field) { return static_cast<bool>(event.get(field)); });
    if (!told) {
        const std::string_view id = event.text(Field::object_id);
        return id.empty() ? bus::to_string(event.id) : std::string{id};
    }
    std::string name;
    for (const Field field : card_fields) {
        const auto part = event.get(field);
        if (!name.empty()) name += '-';
        name += part.text.empty() ? std::to_string(part.number) : std::string{part.text};
    }
    return name;
}

void tell_card(const CustomerKey& customer, const Event& event, Rows& rows) {
    if (event.type != EventType::billing_card_expiring) return;
    ObjectRow& row = object_of(customer, ObjectKind::card, card_name(event), event, rows);
    tell_all(row.fields, event, card_fields, stamp_of(event));
}

}  // namespace

std::span<const std::string_view> BillingFold::type_prefixes() const {
    static constexpr std::string_view prefixes[] = {"billing."};
    return prefixes;
}

void BillingFold::fold(const Event& event, Rows& rows) const {
    if (!event.type_name.starts_with("billing.")) return;
    count_event(event, rows);
    if (event.text(Field::billing_system).empty() || event.text(Field::customer_ref).empty())
        return;
    const CustomerKey customer = tell_customer(event, rows);
    tell_subscription(customer, event, rows);
    tell_invoice(customer, event, rows);
    tell_failure(customer, event, rows);
    tell_card(customer, event, rows);
}

}  // namespace projections
