#include "bus/envelope.hpp"
#include "projections/dead_letters/dead_letter_id.hpp"
#include "projections/dead_letters/dead_letters_fold.hpp"
#include "projections/dead_letters/dead_letters_reads.hpp"
#include "projections/dead_letters/discard_fact.hpp"
#include "projections/ingest/event_row.hpp"
#include "projections/ingest/events_fold.hpp"
#include "projections/ingest/events_reads.hpp"
#include "projections/ingest/requests_fold.hpp"
#include "projections/ingest/requests_reads.hpp"
#include "schemas/json/json.hpp"
#include "tests/support/folding.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace projections;
using tests::event_id;
using tests::FoldedRows;
using tests::TestEvent;

namespace {

const RequestsFold requests;
const EventsFold events;
const DeadLettersFold dead_letters;
using Words = std::vector<std::string>;

bus::Timestamp at(int second) {
    return bus::Timestamp{bus::seconds{1'700'000'000 + second}};
}

// Rows after whatever `fold` does, in one batch.
template <class Fold>
MemoryRows rows_after(const Fold& fold) {
    MemoryRows rows;
    Batch batch{rows, nullptr};
    fold(batch.rows(1, bus::TenantId{5}));
    rows.apply(*batch.finish());
    return rows;
}

Words ids(const bus::Result<ListPage>& page) {
    REQUIRE(page);
    schemas::json::Parser parser;
    Words out;
    parser.parse(page->data)->each_element([&](schemas::json::Value object) {
        out.emplace_back(object["id"].text());
    });
    CHECK(page->count == out.size());
    return out;
}

struct Request {
    std::uint64_t number;
    std::string type{bus::raw_event_type};
    std::string source = "shop";
    std::vector<std::pair<std::string_view, std::string_view>> headers{};
};

void see(const Request& request, Rows& rows) {
    bus::Headers headers;
    for (const auto& [name, value] : request.headers) headers.add(name, value);
    requests.seen({.raw_id = tests::record_id(request.number),
                   .source = bus::SourceId{1},
                   .source_slug = request.source,
                   .type = request.type,
                   .address = {bus::Topic::chat, 0, request.number},
                   .ingest_time = at(static_cast<int>(request.number)),
                   .headers = headers,
                   .value_bytes = 17,
                   .event_count = 2},
                  rows);
}

MemoryRows rows_of_requests(const std::vector<Request>& all) {
    return rows_after([&](Rows& rows) {
        for (const Request& request : all) see(request, rows);
    });
}

std::string request_id(std::uint64_t number) {
    return bus::to_string(tests::record_id(number));
}

std::string id(std::uint64_t number) {
    return bus::to_string(event_id(number));
}

const std::vector<Request> some_requests = {{1},
                                            {2, std::string{bus::raw_event_type}, "desk"},
                                            {3, std::string{bus::rejected_event_type}},
                                            {4, "support.fact.happened"},
                                            {5}};

TestEvent event(std::uint64_t number, const std::string& type, int second) {
    TestEvent event;
    event.type = type;
    event.id = event_id(number);
    event.slug = type.starts_with("ivr") ? "phone" : "shop";
    event.time = event.ingest_time = at(second);
    event.address.offset = number;
    return event;
}

FoldedRows folded(const std::vector<TestEvent>& all) {
    FoldedRows rows{{&events}};
    rows.fold(all, 2);
    return rows;
}

}  // namespace

TEST_CASE("ingest: accepted requests by default, refusals on request, facts never") {
    const MemoryRows rows = rows_of_requests(some_requests);
    const MemoryReadView view{rows, 1, bus::TenantId{5}};
    CHECK(ids(list_requests(view, {})) == Words{request_id(5), request_id(2), request_id(1)});
    CHECK(ids(list_requests(view, {.rejected = true})) == Words{request_id(3)});
    CHECK(ids(list_requests(view, {.source = "desk"})) == Words{request_id(2)});
    CHECK(ids(list_requests(view, {.from = at(2), .to = at(5)})) == Words{request_id(2)});
    const MemoryReadView other_tenant{rows, 1, bus::TenantId{6}};
    CHECK(ids(list_requests(other_tenant, {})).empty());
}

TEST_CASE("ingest: the list shows a request as its look-up does") {
    const MemoryRows rows = rows_of_requests(some_requests);
    const MemoryReadView view{rows, 1, bus::TenantId{5}};
    for (const int number : {1, 2}) {
        const auto alone = get_request(view, request_id(static_cast<std::uint64_t>(number)));
        REQUIRE(alone);
        const auto listed = list_requests(view, {.from = at(number), .to = at(number + 1)});
        REQUIRE(listed);
        CHECK(listed->data == '[' + *alone + ']');
    }
}

TEST_CASE("ingest: a walk by cursor gives each request once") {
    const MemoryRows rows = rows_of_requests(some_requests);
    const MemoryReadView view{rows, 1, bus::TenantId{5}};
    Words seen;
    RequestQuery query{.limit = 1};
    do {
        const auto page = list_requests(view, query);
        for (const std::string& found : ids(page)) seen.push_back(found);
        query.cursor = page->next_cursor;
    } while (!query.cursor.empty());
    CHECK(seen == Words{request_id(5), request_id(2), request_id(1)});
}

TEST_CASE("ingest: a request shows how it came and what was made of it") {
    const MemoryRows rows =
        rows_of_requests({{.number = 1,
                           .headers = {{bus::header::method, "POST"},
                                       {bus::header::path, "/webhooks/x"},
                                       {bus::header::verified, "hmac:sec_1"},
                                       {bus::header::content_type, "text/x"}}}});
    const auto shown = get_request(MemoryReadView{rows, 1, bus::TenantId{5}}, request_id(1));
    CHECK(shown.value_or("") ==
          R"({"id":"018bcfe5-6be8-7100-8000-000000000000","source":"shop",)"
          R"("received_at":"2023-11-14T22:13:21Z","method":"POST","path":"/webhooks/x",)"
          R"("verified":"hmac:sec_1","content_type":"text/x","bytes":17,"status":"accepted",)"
          R"("events":2,"address":"chat/0/1"})");
    CHECK_FALSE(get_request(MemoryReadView{rows, 1, bus::TenantId{5}}, request_id(2)));
    CHECK_FALSE(get_request(MemoryReadView{rows, 1, bus::TenantId{5}}, "nonsense"));
}

TEST_CASE("ingest: a refusal shows its cause and what was answered") {
    const MemoryRows rows = rows_of_requests(
        {{.number = 1,
          .type = std::string{bus::rejected_event_type},
          .headers = {{bus::header::cause, "verification_failed"}, {bus::header::status, "401"}}}});
    const auto shown = get_request(MemoryReadView{rows, 1, bus::TenantId{5}}, request_id(1));
    REQUIRE(shown);
    CHECK(
        shown->find(R"("status":"rejected","cause":"verification_failed","answered_status":401)") !=
        std::string::npos);
}

TEST_CASE("ingest: rows that an earlier version made are shown as they were") {
    const auto request = tests::record_id(1);
    const MemoryRows rows = rows_after([&](Rows& changing) {
        KeyWriter key;
        key.raw(ingest::request_prefix(ingest::EntryTag::accepted, request)).text("shop");
        changing.put(Table::entries, key.str(),
                     R"({"received_at":"2023-11-14T22:13:21Z","method":"POST","bytes":17,)"
                     R"("status":"accepted","events":2,"address":"chat/0/1"})");
        changing.put(Table::entries, ingest::event_key(event_id(2)),
                     R"({"id":")" + id(2) + R"(","type":"ivr.call.ended",)" +
                         R"("time":"2023-11-14T22:13:21Z","source":"phone",)" +
                         R"("address":"voice/0/1","emit_index":3})");
    });
    const MemoryReadView view{rows, 1, bus::TenantId{5}};
    CHECK(get_request(view, request_id(1)).value_or("") ==
          R"({"id":")" + request_id(1) + R"(","source":"shop",)" +
              R"("received_at":"2023-11-14T22:13:21Z","method":"POST","bytes":17,)" +
              R"("status":"accepted","events":2,"address":"chat/0/1"})");
    const auto event = get_event(view, id(2));
    REQUIRE(event);
    CHECK(event->shown == R"({"id":")" + id(2) + R"(","type":"ivr.call.ended",)" +
                              R"("time":"2023-11-14T22:13:21Z","source":"phone",)" +
                              R"("address":"voice/0/1","emit_index":3})");
}

TEST_CASE("requests: those of one millisecond are listed newest first too") {
    const auto id_of = [](std::uint8_t number) {
        return bus::uuid_v7(at(7), {0, 0, 0, 0, 0, 0, 0, 0, 0, number});
    };
    const MemoryRows rows = rows_after([&](Rows& changing) {
        for (const std::uint8_t number : std::array<std::uint8_t, 3>{2, 1, 3})
            requests.seen({.raw_id = id_of(number),
                           .source = bus::SourceId{1},
                           .source_slug = "shop",
                           .type = bus::raw_event_type,
                           .address = {bus::Topic::chat, 0, number},
                           .ingest_time = at(7),
                           .headers = {}},
                          changing);
    });
    const MemoryReadView view{rows, 1, bus::TenantId{5}};
    const Words all{to_string(id_of(3)), to_string(id_of(2)), to_string(id_of(1))};
    CHECK(ids(list_requests(view, {})) == all);
    const auto first = list_requests(view, {.limit = 2});
    CHECK(ids(list_requests(view, {.cursor = first->next_cursor})) == Words{all[2]});
    CHECK(get_request(view, all[1]));
}

TEST_CASE("events: found by type, prefix, source and time, newest first") {
    const FoldedRows rows =
        folded({event(1, "whatsapp.message.read", 10), event(2, "whatsapp.message.sent", 5),
                event(3, "ivr.call.reported", 20)});
    const auto view = rows.view(0);
    CHECK(ids(list_events(view, {})) == Words{id(3), id(1), id(2)});
    CHECK(ids(list_events(view, {.type = "whatsapp.*"})) == Words{id(1), id(2)});
    CHECK(ids(list_events(view, {.type = "whatsapp.message.sent"})) == Words{id(2)});
    CHECK(ids(list_events(view, {.type = "whatsapp.message"})).empty());
    CHECK(ids(list_events(view, {.source = "phone"})) == Words{id(3)});
    CHECK(ids(list_events(view, {.to = at(10)})) == Words{id(2)});
}

TEST_CASE("events: one that was sent twice is one, of the record that stands first") {
    const TestEvent first = event(1, "ivr.call.reported", 10);
    TestEvent again = first;
    again.address.offset = 900;
    again.time = at(99);
    for (const auto& order : {std::vector{first, again, first}, std::vector{again, first}}) {
        const FoldedRows rows = folded(order);
        CHECK(ids(list_events(rows.view(0), {})) == Words{id(1)});
        CHECK(get_event(rows.view(0), id(1))->address == first.address);
    }
}

TEST_CASE("events: any order and repeats give the same bytes") {
    const std::vector<TestEvent> all = {event(1, "a.b", 10), event(2, "a.c", 5),
                                        event(3, "a.b", 7)};
    CHECK(folded(all).rows() == folded({all[2], all[0], all[2], all[1], all[0]}).rows());
}

TEST_CASE("dead letters: each failure of a record stands by itself, newest first") {
    const auto fail = [](std::uint64_t number, std::uint32_t emit_index, const char* source,
                         Rows& rows) {
        dead_letters.failed({.raw_id = event_id(number),
                             .source = bus::SourceId{1},
                             .source_slug = source,
                             .address = {bus::Topic::chat, 0, number},
                             .ingest_time = at(static_cast<int>(number)),
                             .emit_index = emit_index,
                             .path = "call_id",
                             .reason = "required, but absent",
                             .mapping = "abc"},
                            rows);
    };
    const MemoryRows rows = rows_after([&](Rows& changing) {
        fail(1, 0, "shop", changing);
        fail(1, 1, "shop", changing);
        fail(1, 1, "shop", changing);
        fail(2, 0, "desk", changing);
    });
    const MemoryReadView view{rows, 1, bus::TenantId{5}};
    CHECK(ids(list_dead_letters(view, {})).size() == 3);
    CHECK(ids(list_dead_letters(view, {.source = "shop"})).size() == 2);
    const auto newest = list_dead_letters(view, {.limit = 1});
    CHECK(newest->data.find(R"("raw_id":"00000000-0000-0000-0000-000000000002","source":"desk")") !=
          std::string::npos);
    CHECK(newest->data.find(R"("path":"call_id","reason":"required, but absent")") !=
          std::string::npos);
}

namespace {

void fail_call(std::uint64_t number, Rows& rows) {
    dead_letters.failed({.raw_id = event_id(number),
                         .source = bus::SourceId{1},
                         .source_slug = "shop",
                         .address = {bus::Topic::chat, 0, number},
                         .ingest_time = at(static_cast<int>(number)),
                         .emit_index = 0,
                         .path = "call_id",
                         .reason = "required, but absent",
                         .mapping = "abc"},
                        rows);
}

// The fact at `offset`, as the projector shows it.
void discard(const std::string& dead_letter, std::uint64_t offset, Rows& rows) {
    bus::Headers headers;
    headers.add(discard_subject_header, dead_letter);
    dead_letters.seen({.raw_id = event_id(900 + offset),
                       .source = {},
                       .source_slug = "",
                       .type = discarded_event_type,
                       .address = {bus::Topic::facts, 0, offset},
                       .ingest_time = at(static_cast<int>(100 + offset)),
                       .headers = headers},
                      rows);
}

}  // namespace

TEST_CASE("dead letters: a discarded one is listed apart, whichever topic is folded first") {
    const MemoryRows open = rows_after([](Rows& rows) { fail_call(1, rows), fail_call(2, rows); });
    const auto letters = ids(list_dead_letters(MemoryReadView{open, 1, bus::TenantId{5}}, {}));
    REQUIRE(letters.size() == 2);
    const MemoryRows letter_first = rows_after([&](Rows& rows) {
        fail_call(1, rows), fail_call(2, rows);
        discard(letters[1], 1, rows);
        discard(letters[1], 2, rows);  // the first counts
        fail_call(1, rows);            // the record once more
        discard(letters[1], 1, rows);
    });
    const MemoryRows fact_first = rows_after([&](Rows& rows) {
        discard(letters[1], 1, rows);
        fail_call(1, rows);
        discard(letters[1], 2, rows);
        fail_call(2, rows);
    });
    CHECK(letter_first == fact_first);
    const MemoryReadView view{letter_first, 1, bus::TenantId{5}};
    CHECK(ids(list_dead_letters(view, {})) == Words{letters[0]});
    CHECK(ids(list_dead_letters(view, {.discarded = true})) == Words{letters[1]});
    const auto shown = get_dead_letter(view, letters[1]);
    REQUIRE(shown);
    CHECK(shown->find(R"("discarded_by":"facts/0/1","status":"discarded"})") != std::string::npos);
    CHECK(get_dead_letter(view, letters[0])->ends_with(R"("status":"open"})"));
    CHECK(!get_dead_letter(view, "dead_0"));
}
