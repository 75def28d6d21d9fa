#include "projections/identity/customer_keys.hpp"
#include "projections/identity/identity_fold.hpp"
#include "projections/identity/identity_reads.hpp"
#include "projections/stored_documents.hpp"
#include "projections/timeline/timeline_fold.hpp"
#include "projections/timeline/timeline_reads.hpp"
#include "projections/timeline/timeline_templates.hpp"
#include "schemas/json/json.hpp"
#include "tests/support/folding.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace projections;
using schemas::Field;
using schemas::KeyKind;
using tests::event_id;
using tests::FoldedRows;
using tests::TestEvent;

namespace {

const IdentityFold identity;
const TimelineFold timeline;
using Words = std::vector<std::string>;
using Keys = std::vector<std::pair<KeyKind, std::string>>;

bus::Timestamp at(int second) {
    return bus::Timestamp{bus::seconds{1'700'000'000 + second}};
}

TestEvent event(const std::string& type, int second, const Keys& keys) {
    static std::uint64_t serial = 0;
    TestEvent made;
    made.type = type;
    made.id = event_id(++serial);
    made.time = made.ingest_time = at(second);
    made.keys = keys;
    return made;
}

const Keys asha = {{KeyKind::phone, "+919876500001"}};
const std::string asha_key = "phone:+919876500001";

Words keys_after(const std::vector<TestEvent>& events, const std::string& from) {
    FoldedRows folded{{&identity}};
    folded.fold(events);
    return resolve_customer(folded.view(0), from).keys;
}

Words titles(const FoldedRows& folded, const TimelineQuery& query) {
    const auto page = list_timeline(folded.view(0), query);
    REQUIRE(page);
    schemas::json::Parser parser;
    const auto document = *parser.parse(page->data);
    Words out;
    document.each_element(
        [&](schemas::json::Value line) { out.emplace_back(line["title"].text()); });
    return out;
}

void check_title(TestEvent made, const std::string& title) {
    made.keys = asha;
    FoldedRows folded{{&timeline}};
    folded.fold({made});
    CHECK(titles(folded, {.keys = {asha_key}}) == Words{title});
}

}  // namespace

TEST_CASE("identity: a WhatsApp id of digits is the phone number, another one is not") {
    CHECK(customer_key({KeyKind::whatsapp, "919876500001"}) == asha_key);
    CHECK(customer_key({KeyKind::whatsapp, "US.1349"}) == "whatsapp:US.1349");
    const TestEvent both = event("whatsapp.message.received", 0,
                                 {{KeyKind::external, "stripe:cus_1"},
                                  {KeyKind::whatsapp, "919876500001"},
                                  {KeyKind::phone, "+919876500001"}});
    CHECK(customer_keys(both.event()) == Words{asha_key, "external:stripe:cus_1"});
}

TEST_CASE("identity: keys seen together are one customer, over several events") {
    const std::vector<TestEvent> events = {
        event("billing.invoice.paid", 1,
              {{KeyKind::external, "stripe:cus_1"}, {KeyKind::email, "a@b.in"}}),
        event("crm.lead.created", 2, {{KeyKind::email, "a@b.in"}, asha.front()})};
    const Words expected = {asha_key, "email:a@b.in", "external:stripe:cus_1"};
    CHECK(keys_after(events, asha_key) == expected);
    CHECK(keys_after(events, "external:stripe:cus_1") == expected);
    CHECK(keys_after(events, "phone:+910000000000") == Words{"phone:+910000000000"});
}

TEST_CASE("identity: two ids of one system are never joined; the earlier link stands") {
    const std::vector<TestEvent> events = {
        event("billing.invoice.paid", 5, {{KeyKind::external, "stripe:cus_2"}, asha.front()}),
        event("billing.invoice.paid", 1, {{KeyKind::external, "stripe:cus_1"}, asha.front()})};
    CHECK(keys_after(events, asha_key) == Words{asha_key, "external:stripe:cus_1"});
    CHECK(keys_after(events, "external:stripe:cus_2") == Words{"external:stripe:cus_2"});
}

TEST_CASE("identity: what the network vouches for goes before an earlier claim") {
    const Keys user = {{KeyKind::whatsapp, "US.1"}, asha.front()};
    const std::vector<TestEvent> events = {
        event("crm.lead.created", 1, {{KeyKind::external, "crm:1"}, asha.front()}),
        event("crm.lead.created", 2, {{KeyKind::external, "crm:2"}, {KeyKind::whatsapp, "US.1"}}),
        event("whatsapp.message.received", 9, user)};
    CHECK(keys_after(events, asha_key) == Words{asha_key, "whatsapp:US.1", "external:crm:1"});
}

TEST_CASE("identity: a key seen with too many others joins nobody") {
    std::vector<TestEvent> events;
    for (int i = 0; i < 70; ++i)
        events.push_back(event("email.message.received", i,
                               {{KeyKind::email, "info@b.in"},
                                {KeyKind::external, "crm" + std::to_string(i) + ":1"}}));
    CHECK(keys_after(events, "external:crm3:1") == Words{"external:crm3:1"});
    events.resize(10);
    CHECK(keys_after(events, "external:crm3:1").size() == 11);
}

TEST_CASE("identity: long words do not make a row that cannot be read again") {
    std::vector<TestEvent> events;
    for (int i = 0; i < 20; ++i) {
        events.push_back(event("whatsapp.message.received", i, asha));
        events.back().texts[Field::customer_email] = std::to_string(i) + tests::long_word;
        events.back().texts[Field::customer_name] = tests::long_word;
    }
    FoldedRows folded{{&identity, &timeline}};
    folded.fold(events, 64);
    CHECK(tests::longest_row(folded.rows()) < tests::row_bytes_sane);
    CHECK(resolve_customer(folded.view(0), asha_key).keys == Words{asha_key});
}

TEST_CASE("identity: an unchanged key set writes nothing") {
    const auto seen = [](int second) {
        TestEvent made =
            event("crm.lead.created", second, {{KeyKind::email, "a@b.in"}, asha.front()});
        made.texts[Field::customer_name] = "Asha";
        return made;
    };
    MemoryRows rows;
    Batch batch{rows, nullptr};
    const auto writes_of = [&](const TestEvent& made) {
        identity.fold(made.event(), batch.rows(1, bus::TenantId{5}));
        const auto writes = batch.finish();
        REQUIRE(writes);
        rows.apply(*writes);
        return writes->size();
    };
    CHECK(writes_of(seen(1)) == 2);
    CHECK(writes_of(seen(2)) == 0);
}

TEST_CASE("identity: names of all keys, newest first") {
    const auto named = [](int second, const std::string& name, const Keys& keys) {
        TestEvent made = event("crm.lead.created", second, keys);
        made.texts[Field::customer_name] = name;
        return made;
    };
    FoldedRows folded{{&identity}};
    folded.fold({named(1, "Asha", {asha.front(), {KeyKind::email, "a@b.in"}}),
                 named(9000, "Asha Rao", {{KeyKind::email, "a@b.in"}})});
    const Customer customer = resolve_customer(folded.view(0), asha_key);
    CHECK(customer.names == Words{"Asha Rao", "Asha"});
    CHECK(customer.id.starts_with("cus_"));
    CHECK(to_json(customer).find(R"("name":"Asha Rao")") != std::string::npos);
}

TEST_CASE("timeline: what the lines say") {
    TestEvent paid = event("billing.invoice.paid", 0, {});
    paid.texts = {{Field::invoice_id, "in_1"}, {Field::currency, "INR"}};
    paid.numbers = {{Field::amount_minor, 49'905}};
    check_title(paid, "Invoice in_1 paid: 499.05 INR");
    paid.texts[Field::currency] = "JPY";
    check_title(paid, "Invoice in_1 paid: 49905 JPY");
    paid.texts.clear();
    paid.numbers.clear();
    check_title(paid, "Invoice paid");

    TestEvent call = event("ivr.call.completed", 0, {});
    call.texts = {{Field::agent_number, "+91200"}};
    call.numbers = {{Field::duration_s, 42}};
    check_title(call, "Call completed with +91200, 42 s");
    check_title(event("ivr.call.completed", 0, {}), "Call completed");
    check_title(event("whatsapp.message.received", 0, {}), "WhatsApp message received");
    check_title(event("course.lesson.finished", 0, {}), "course.lesson.finished");
}

TEST_CASE("timeline: a line is shown whole, and stored without what its key tells") {
    TestEvent told = event("whatsapp.message.received", 7, asha);
    told.id = event_id(0xabc);
    told.slug = "shop";
    told.texts = {{Field::text, "two\n\"words\""}, {Field::message_id, "wamid.1"}};
    FoldedRows folded{{&timeline}};
    folded.fold({told});
    const std::string id = bus::to_string(told.id);
    const std::string stored = R"("title":"WhatsApp message received","body":"two \"words\"",)"
                               R"("ref":{"type":"message","id":"wamid.1"},"actor":"customer",)"
                               R"("type":"whatsapp.message.received","source":"shop")";
    const auto entries = folded.rows().rows(Table::entries);
    REQUIRE(entries.size() == 1);
    CHECK(entries.begin()->second == '{' + stored + '}');
    const auto page = list_timeline(folded.view(0), {.keys = {asha_key}});
    REQUIRE(page);
    CHECK(page->data == R"([{"id":")" + prefixed_id("tle", told.id) +
                            R"(","at":"2023-11-14T22:13:27Z","channel":"whatsapp",)" +
                            R"("kind":"message",)" + stored + R"(,"event_id":")" + id + R"("}])");
}

TEST_CASE("timeline: receipts, reports and events without a customer have no line") {
    FoldedRows folded{{&timeline}};
    folded.fold({event("whatsapp.message.read", 0, asha), event("ivr.call.reported", 0, asha),
                 event("whatsapp.template.approved", 0, asha), event("ivr.call.missed", 0, {})});
    CHECK(folded.rows().rows(Table::entries).empty());
}

TEST_CASE("timeline: what a provider tells twice, in different seconds, is one line") {
    for (const std::string type :
         {"billing.payment.succeeded", "billing.payment.failed", "billing.invoice.paid",
          "billing.invoice.payment_failed", "billing.invoice.overdue", "billing.invoice.voided",
          "billing.subscription.cancel_scheduled"}) {
        CAPTURE(type);
        const TestEvent by_charge = event(type, 10, asha);
        TestEvent by_intent = by_charge;
        by_intent.time = at(11);
        FoldedRows folded{{&timeline}};
        folded.fold({by_charge, by_intent, by_charge});
        const auto page = list_timeline(folded.view(0), {.keys = {asha_key}});
        REQUIRE(page);
        CHECK(page->count == 1);
        CHECK(page->data.find(R"("at":"2023-11-14T22:13:30Z")") != std::string::npos);
    }
}

TEST_CASE("timeline: a later report of an event adds only the customers that it alone names") {
    const TestEvent first = event("billing.payment.succeeded", 10, asha);
    TestEvent later = first;
    later.time = at(11);
    later.keys.push_back({KeyKind::email, "a@b.in"});
    FoldedRows folded{{&timeline}};
    folded.fold({first, later});
    const auto once = [&](std::string_view key) {
        return titles(folded, {.keys = {std::string(key)}, .from = at(10), .to = at(11)}).size();
    };
    CHECK(once(asha_key) == 1);
    CHECK(once("email:a@b.in") == 1);
    CHECK(titles(folded, {.keys = {asha_key, "email:a@b.in"}}).size() == 1);
}

TEST_CASE("timeline: a mail stands no later than when it was stored, its copy on the same line") {
    TestEvent ahead = event("email.message.received", 10, asha);
    ahead.time += std::chrono::hours{24 * 3650};
    TestEvent copy = ahead;
    copy.ingest_time = at(12);
    TestEvent past = event("email.message.received", 20, asha);
    past.time = at(0);
    FoldedRows folded{{&timeline}};
    folded.fold({ahead, copy, past});
    CHECK(titles(folded, {.keys = {asha_key}, .from = at(10), .to = at(11)}).size() == 1);
    CHECK(titles(folded, {.keys = {asha_key}, .from = at(0), .to = at(1)}).size() == 1);
    CHECK(titles(folded, {.keys = {asha_key}}).size() == 2);
    TestEvent own = event("email.campaign.opened", 30, asha);  // of a mapping of somebody's own
    own.time += std::chrono::hours{1};
    TestEvent own_copy = own;
    own_copy.ingest_time = at(32);
    folded.fold({own, own_copy});
    CHECK(titles(folded, {.keys = {asha_key}}).size() == 3);
}

TEST_CASE("timeline: one line per event under several keys, newest first, with filters") {
    const Keys both = {asha.front(), {KeyKind::email, "a@b.in"}};
    FoldedRows folded{{&timeline}};
    folded.fold({event("ivr.call.missed", 10, asha), event("billing.card.expiring", 20, both),
                 event("email.message.received", 30, {{KeyKind::email, "a@b.in"}})});
    const Words keys = {asha_key, "email:a@b.in"};
    CHECK(titles(folded, {.keys = keys}) == Words{"Mail received", "Card expires", "Call missed"});
    CHECK(titles(folded, {.keys = {asha_key}}) == Words{"Card expires", "Call missed"});
    CHECK(titles(folded, {.keys = keys, .channel = "ivr"}) == Words{"Call missed"});
    CHECK(titles(folded, {.keys = keys, .kind = "mail"}) == Words{"Mail received"});
    CHECK(titles(folded, {.keys = keys, .from = at(20), .to = at(30)}) == Words{"Card expires"});
    CHECK(titles(folded, {.keys = {"phone:+910"}}).empty());
    CHECK(titles(folded, {}).empty());
    CHECK(summarize_timeline(folded.view(0), {.keys = keys}) ==
          R"({"total":3,"total_exact":true,"by_channel":{"billing":1,"email":1,"ivr":1},)"
          R"("by_kind":{"call":1,"card":1,"mail":1},"first_at":"2023-11-14T22:13:30Z",)"
          R"("last_at":"2023-11-14T22:13:50Z"})");
    CHECK(summarize_timeline(folded.view(0), {}).find(R"("first_at":null)") != std::string::npos);
}

TEST_CASE("timeline: a cursor walks all lines of all keys once") {
    std::vector<TestEvent> events;
    for (int i = 0; i < 17; ++i) {
        TestEvent made = event("note.added", i / 4, asha);
        if (i % 3 == 0) made.keys.push_back({KeyKind::email, "a@b.in"});
        if (i % 5 == 0) made.keys = {{KeyKind::email, "a@b.in"}};
        made.texts[Field::title] = std::to_string(i);
        events.push_back(made);
    }
    FoldedRows folded{{&timeline}};
    folded.fold(events);
    TimelineQuery query{.keys = {asha_key, "email:a@b.in"}, .limit = 4};
    Words walked;
    do {
        for (const std::string& title : titles(folded, query)) walked.push_back(title);
        query.cursor = list_timeline(folded.view(0), query)->next_cursor;
    } while (!query.cursor.empty() && walked.size() < 100);
    CHECK(walked.size() == 17);
    CHECK(std::set<std::string>(walked.begin(), walked.end()).size() == 17);
    CHECK_FALSE(list_timeline(folded.view(0), {.keys = {asha_key}, .cursor = "??"}));
}

TEST_CASE("timeline: a filter that fits nothing near goes on where the walk gave up") {
    constexpr int many = 100'010;  // more than one walk looks at
    FoldedRows folded{{&timeline}};
    std::vector<TestEvent> events{event("whatsapp.message.received", 0, asha),
                                  event("whatsapp.message.received", many, asha)};
    events.push_back(event("whatsapp.message.received", 1, {{KeyKind::email, "a@b.in"}}));
    for (int i = 0; i < many; ++i) events.push_back(event("note.added", i, asha));
    folded.fold(events, events.size(), 0);
    TimelineQuery query{.keys = {asha_key, "email:a@b.in"}, .channel = "whatsapp"};
    std::vector<std::size_t> counts;
    do {
        const auto page = list_timeline(folded.view(0), query);
        REQUIRE(page);
        counts.push_back(page->count);
        query.cursor = page->next_cursor;
    } while (!query.cursor.empty() && counts.size() < 10);
    CHECK(counts == std::vector<std::size_t>{1, 2});
}

TEST_CASE("timeline: every template of the table can be drawn from an empty event") {
    for (std::uint16_t i = 0;
         i <= static_cast<std::uint16_t>(schemas::EventType::support_timeline_entry_added); ++i) {
        const auto type = static_cast<schemas::EventType>(i);
        const TimelineTemplate* found = find_timeline_template(type);
        if (!found) continue;
        const std::string title = found->title.render({});
        CHECK(title.find_first_of("{}[]") == std::string::npos);
        CHECK(found->kind != "");
    }
}
