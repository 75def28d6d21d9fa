// Rows and keys of the billing projection: one per customer of a billing system, one per thing that
// was reported of the customer, one per event.
//
// rows:    'c' customer | 'o' customer, kind, object
// entries: 'e' event
// index:   'L' last event, newest first | customer
//          'K' key ("email:..", "phone:..", "external:shop:cus_1", "ref:cus_1") | customer
//          'O' customer | kind | when it appeared or last happened, newest first | object
//
// Things stand in rows of their own, so no list needs to be cut when it is written: answers show
// the newest.
#pragma once

#include "projections/latest_fields.hpp"
#include "projections/row.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace projections::billing {

using CustomerKey = bus::EventId;  // of billing system and its customer reference
using ObjectKey = bus::EventId;

enum class ObjectKind : std::uint8_t {
    subscription = 's',
    invoice = 'i',
    failed_payment = 'p',
    card = 'c'
};

CustomerKey customer_key(std::string_view billing_system, std::string_view customer_ref);
std::string customer_id(const CustomerKey& key);  // "bcu_..."
std::optional<CustomerKey> parse_customer_id(std::string_view text);

std::string customer_row_key(const CustomerKey& key);
CustomerKey customer_in_key(std::string_view row_key);  // of her own row or of an object's
std::string object_row_key(const CustomerKey& customer, ObjectKind kind, const ObjectKey& object);
std::string event_row_key(const bus::EventId& event, std::string_view type);
bus::EventId event_in_key(std::string_view row_key);
std::string newest_prefix();
std::string key_prefix(std::string_view key);
std::string object_prefix(const CustomerKey& customer, ObjectKind kind);

struct CustomerRow : RowOf<CustomerRow> {
    CustomerKey key;
    std::string billing_system;
    std::string customer_ref;
    LatestFields fields;  // name, email, phone, status (active, deleted)
    bus::Timestamp last_event_at{};

    std::vector<std::string> keys() const;  // by which she is found: "email:..", "ref:.."

    void encode(std::string& out) const override;
    bus::Result<bus::Done> decode(std::string_view stored) override;
    bool empty() const override { return billing_system.empty(); }
    void index_entries(IndexSink& sink) const override;
};

// A subscription, invoice, failed payment or card.
struct ObjectRow : RowOf<ObjectRow> {
    ObjectKind kind = ObjectKind::subscription;
    CustomerKey customer;
    ObjectKey object;
    std::string id;  // as the billing system calls it
    LatestFields fields;
    ReportStamp newest;  // of the reports so far
    std::optional<bus::Timestamp> first_at;
    bus::Timestamp last_at{};

    void happened(bus::Timestamp at);

    void encode(std::string& out) const override;
    bus::Result<bus::Done> decode(std::string_view stored) override;
    bool empty() const override { return !first_at; }
    void index_entries(IndexSink& sink) const override;
};

// The object alone, with the kind and the customer that its place in an answer would tell.
std::string shown_object(const ObjectRow& row, std::string_view stored);

// What measures count.
struct EventRow : RowOf<EventRow> {
    bus::Timestamp at{};
    std::string type;
    std::string system;
    std::string plan;
    std::string currency;
    std::optional<std::int64_t> amount_minor;

    void encode(std::string& out) const override;
    bus::Result<bus::Done> decode(std::string_view stored) override;
    bool empty() const override { return type.empty(); }
    std::string_view measure_kind() const override { return "billing_event"; }
    void measure_values(std::vector<MeasureValue>& values) const override;
};
std::string shown_event(const bus::EventId& id, const EventRow& row);

}  // namespace projections::billing
