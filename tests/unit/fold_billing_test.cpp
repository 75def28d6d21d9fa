#include "projections/billing/billing_fold.hpp"
#include "projections/billing/billing_reads.hpp"
#include "projections/billing/billing_rows.hpp"
#include "schemas/json/json.hpp"
#include "tests/support/folding.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace projections;
using schemas::Field;
using tests::event_id;
using tests::FoldedRows;
using tests::TestEvent;

namespace {

const BillingFold billing_fold;

bus::Timestamp at_second(std::int64_t second) {
    return bus::Timestamp{bus::seconds{1'700'000'000 + second}};
}

TestEvent billing_event(const std::string& type, std::uint64_t number, std::int64_t second,
                        const std::string& system = "stripe") {
    TestEvent event;
    event.type = "billing." + type;
    event.id = event_id(number);
    event.time = event.ingest_time = at_second(second);
    event.texts[Field::billing_system] = system;
    event.texts[Field::customer_ref] = system == "stripe" ? "cus_1" : "cb_1";
    event.texts[Field::customer_email] = "ada@example.test";
    return event;
}

struct Folded {
    FoldedRows rows{{&billing_fold}};
    schemas::json::Parser parser;
    std::string text;

    explicit Folded(const std::vector<TestEvent>& events) { rows.fold(events, 1); }
    schemas::json::Value account(const std::string& key = "ref:cus_1") {
        const auto found = get_billing_customer(rows.view(0), {key});
        REQUIRE(found);
        text = *found;
        const auto value = parser.parse(text);
        REQUIRE(value);
        return (*value)["accounts"].at(0);
    }
};

std::vector<TestEvent> random_events(std::uint64_t seed) {
    std::mt19937_64 engine{seed};
    const auto below = [&](std::size_t bound) { return engine() % bound; };
    const std::vector<std::string> types = {
        "customer.created",     "customer.deleted",       "subscription.created",
        "subscription.changed", "subscription.cancelled", "invoice.created",
        "invoice.paid",         "invoice.payment_failed", "payment.failed",
        "payment.succeeded",    "card.expiring",          "stripe.notified"};
    std::vector<TestEvent> events;
    for (std::size_t i = 0; i < 60; ++i) {
        TestEvent event =
            billing_event(types[below(types.size())], i + 1, static_cast<std::int64_t>(below(20)));
        if (below(10) < 3) event.texts[Field::billing_system] = "chargebee";
        if (below(10) < 1) event.texts.erase(Field::customer_ref);
        if (below(2)) event.texts[Field::customer_name] = "Name " + std::to_string(below(3));
        event.texts[Field::subscription_id] = "sub_" + std::to_string(below(3));
        event.texts[Field::invoice_id] = "in_" + std::to_string(below(30));
        if (below(2)) event.texts[Field::plan] = "plan-" + std::to_string(i);
        if (below(2)) event.numbers[Field::amount_minor] = static_cast<std::int64_t>(100 + i);
        if (below(2)) event.numbers[Field::amount_due_minor] = 0;
        if (below(3) == 0)
            event.numbers[Field::object_version] = static_cast<std::int64_t>(below(9));
        if (below(2)) event.texts[Field::card_last4] = std::to_string(4240 + below(3));
        events.push_back(event);
    }
    return events;
}

}  // namespace

TEST_CASE("any order, repetition and batch size of the same billing events gives the same bytes") {
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        CAPTURE(seed);
        std::vector<TestEvent> events = random_events(seed);
        FoldedRows straight{{&billing_fold}};
        straight.fold(events);
        std::mt19937_64 engine{seed};
        const std::vector<TestEvent> copies(events.begin(), events.begin() + 20);
        events.insert(events.end(), copies.begin(), copies.end());
        for (const std::size_t batch_size : {std::size_t{1}, std::size_t{5}, std::size_t{512}}) {
            std::shuffle(events.begin(), events.end(), engine);
            FoldedRows other{{&billing_fold}};
            other.fold(events, batch_size, engine() % 4);
            CHECK(other.rows() == straight.rows());
        }
    }
}

TEST_CASE("a subscription is what its latest report shows, and what that leaves out is gone") {
    auto created = billing_event("subscription.created", 1, 10);
    created.texts[Field::subscription_id] = "sub_1";
    created.texts[Field::plan] = "gold";
    auto scheduled = billing_event("subscription.cancel_scheduled", 2, 20);
    scheduled.texts[Field::subscription_id] = "sub_1";
    scheduled.texts[Field::plan] = "gold";
    scheduled.numbers[Field::cancel_at] = 1'800'000'000'000'000;
    auto kept = billing_event("subscription.changed", 3, 30);
    kept.texts[Field::subscription_id] = "sub_1";
    kept.texts[Field::plan] = "silver";

    Folded two{{scheduled, created}};
    CHECK(two.account()["subscriptions"].at(0)["cancel_at"]);
    Folded three{{kept, created, scheduled}};
    const auto subscription = three.account()["subscriptions"].at(0);
    CHECK(subscription["id"].text() == "sub_1");
    CHECK(subscription["plan"].text() == "silver");
    CHECK_FALSE(subscription["cancel_at"]);
    CHECK(subscription["at"].text() == bus::to_iso(at_second(10)));

    auto cancelled = billing_event("subscription.cancelled", 4, 30);  // in the same second
    cancelled.texts[Field::subscription_id] = "sub_1";
    cancelled.texts[Field::status] = "canceled";
    Folded ended{{cancelled, kept, created}};
    CHECK(ended.account()["subscriptions"].at(0)["status"].text() == "cancelled");
    CHECK(list_billing_customers(ended.rows.view(0), {.status = "cancelled"})->count == 1);
    CHECK(list_billing_customers(ended.rows.view(0), {.status = "active"})->count == 0);
}

TEST_CASE(
    "of an invoice's reports in one second the furthest wins, and a payment in full pays it") {
    const auto invoice = [](const std::string& word, std::uint64_t number) {
        auto event = billing_event("invoice." + word, number, 10);
        event.texts[Field::invoice_id] = "in_1";
        event.numbers[Field::amount_minor] = 4900;
        return event;
    };
    Folded paid{{invoice("paid", 1), invoice("finalized", 2), invoice("created", 3)}};
    CHECK(paid.account()["invoices"].at(0)["status"].text() == "paid");
    CHECK(paid.account()["invoices"].at(0)["amount_minor"].integer() == 4900);

    auto payment = billing_event("payment.succeeded", 4, 10);
    payment.texts[Field::invoice_id] = "in_1";
    payment.numbers[Field::amount_due_minor] = 100;
    Folded partly{{payment, invoice("finalized", 2)}};
    CHECK(partly.account()["invoices"].at(0)["status"].text() == "open");
    payment.numbers[Field::amount_due_minor] = 0;
    Folded in_full{{payment, invoice("finalized", 2)}};
    CHECK(in_full.account()["invoices"].at(0)["status"].text() == "paid");
}

TEST_CASE("an invoice that fell due comes out of it by a credit alone, and by its deletion") {
    const auto invoice = [](const std::string& word, std::uint64_t number, std::int64_t second,
                            const std::string& status, std::int64_t due) {
        auto event = billing_event("invoice." + word, number, second, "chargebee");
        event.texts[Field::invoice_id] = "in_1";
        event.texts[Field::status] = status;
        event.numbers[Field::amount_due_minor] = due;
        event.numbers[Field::object_version] = 1000 + second;
        return event;
    };
    const auto due = invoice("overdue", 1, 10, "payment_due", 1000);
    const std::string key = "external:chargebee:cb_1";
    Folded paid{{invoice("paid", 2, 20, "paid", 0), due}};
    CHECK(paid.account(key)["invoices"].at(0)["status"].text() == "paid");
    CHECK(paid.account(key)["invoices"].at(0)["amount_due_minor"].integer() == 0);
    Folded deleted{{due, invoice("voided", 3, 20, "deleted", 1000)}};
    CHECK(deleted.account(key)["invoices"].at(0)["status"].text() == "deleted");
}

TEST_CASE("the newest twenty invoices are shown, newest first") {
    std::vector<TestEvent> events;
    for (std::uint64_t i = 1; i <= 25; ++i) {
        auto event = billing_event("invoice.created", i, static_cast<std::int64_t>(i));
        event.texts[Field::invoice_id] = "in_" + std::to_string(i);
        events.push_back(event);
    }
    Folded folded{events};
    const auto invoices = folded.account()["invoices"];
    CHECK(invoices.size() == billing_shown_max);
    CHECK(invoices.at(0)["id"].text() == "in_25");
    CHECK(invoices.at(19)["id"].text() == "in_6");
}

TEST_CASE("failed attempts on one invoice are one failed payment, and a card is listed") {
    auto charge = billing_event("payment.failed", 1, 10);
    charge.texts[Field::invoice_id] = "in_1";
    charge.texts[Field::failure_code] = "card_declined";
    auto invoice = billing_event("invoice.payment_failed", 2, 11);
    invoice.texts[Field::invoice_id] = "in_1";
    invoice.numbers[Field::attempt] = 2;
    auto card = billing_event("card.expiring", 3, 12);
    card.texts[Field::card_last4] = "4242";
    card.numbers[Field::card_expiry_month] = 12;
    Folded folded{{invoice, card, charge}};
    const auto failed = folded.account()["failed_payments"];
    REQUIRE(failed.size() == 1);
    CHECK(failed.at(0)["failure_code"].text() == "card_declined");
    CHECK(failed.at(0)["attempt"].integer() == 2);
    CHECK(folded.account()["expiring_cards"].at(0)["card_last4"].text() == "4242");
}

TEST_CASE("cards of which nothing is told are told apart by what they are called") {
    const auto card = [](std::uint64_t number, const std::string& id) {
        auto event = billing_event("card.expiring", number, static_cast<std::int64_t>(number));
        if (!id.empty()) event.texts[Field::object_id] = id;
        return event;
    };
    Folded folded{{card(1, "card_1"), card(2, "card_2"), card(3, "card_2"), card(4, "")}};
    CHECK(folded.account()["expiring_cards"].size() == 3);
}

TEST_CASE("one person's accounts in two systems are found by email, one by its reference") {
    Folded folded{{billing_event("customer.created", 1, 10),
                   billing_event("customer.created", 2, 11, "chargebee")}};
    const auto view = folded.rows.view(0);
    const auto both = get_billing_customer(view, {"email:ada@example.test"});
    REQUIRE(both);
    const auto parsed = folded.parser.parse(*both);
    CHECK((*parsed)["accounts"].size() == 2);
    CHECK(folded.account("external:chargebee:cb_1")["customer_ref"].text() == "cb_1");
    const std::string id{folded.account()["id"].text()};
    CHECK(folded.account(id)["customer_ref"].text() == "cus_1");
    CHECK_FALSE(get_billing_customer(view, {"email:none@example.test"}));
    CHECK(list_billing_customers(view, {.search = "ada"})->count == 2);
    const auto page = list_billing_customers(view, {.limit = 1});
    CHECK(list_billing_customers(view, {.limit = 1, .cursor = page->next_cursor})->count == 1);
}

TEST_CASE("an event without a customer is still counted") {
    auto event = billing_event("stripe.notified", 1, 10);
    event.texts.erase(Field::customer_ref);
    event.numbers[Field::amount_minor] = 7;
    Folded folded{{event}};
    const auto stored =
        folded.rows.view(0).get(Table::entries, billing::event_row_key(event.id, event.type));
    billing::EventRow row;
    REQUIRE(stored);
    REQUIRE(row.decode(*stored));
    std::vector<MeasureValue> values;
    row.measure_values(values);
    REQUIRE(values.size() == 6);
    CHECK(values[1].text == "billing.stripe.notified");
    CHECK(values[5].number == 7);
    CHECK(list_billing_customers(folded.rows.view(0), {})->count == 0);
}
