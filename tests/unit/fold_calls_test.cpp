#include "projections/calls/call_row.hpp"
#include "projections/calls/calls_fold.hpp"
#include "projections/calls/calls_reads.hpp"
#include "schemas/json/json.hpp"
#include "tests/support/folding.hpp"

#include <doctest/doctest.h>

using namespace projections;
using schemas::Field;
using schemas::FieldValue;
using tests::FoldedRows;
using tests::TestEvent;

namespace {

const CallsFold projection;
constexpr bus::SourceId line{1};
using Texts = std::map<Field, std::string>;
using Words = std::vector<std::string>;

bus::Timestamp at(int second) {
    return bus::Timestamp{bus::seconds{1'700'000'000 + second}};
}

TestEvent report(const std::string& call, const std::string& status, int second,
                 const Texts& texts = {}) {
    static std::uint64_t serial = 0;
    TestEvent event;
    event.type = "ivr.call.reported";
    event.slug = "sales-ivr";
    event.id = tests::event_id(++serial);
    event.time = event.ingest_time = at(second);
    event.texts = texts;
    if (!call.empty()) event.texts[Field::call_id] = call;
    if (!status.empty()) event.texts[Field::status] = status;
    return event;
}

FoldedRows folded(const std::vector<TestEvent>& events) {
    FoldedRows rows{{&projection}};
    rows.fold(events, 1);
    return rows;
}

std::string member(const std::optional<std::string>& object, const std::string& name) {
    if (!object) return "no object";
    schemas::json::Parser parser;
    const auto value = (*parser.parse(*object))[name];
    std::string out;
    if (value) value.append_to(out);
    return value ? out : "-";
}

std::string call_after(const std::vector<TestEvent>& events, const std::string& name) {
    const FoldedRows rows = folded(events);
    return member(get_call(rows.view(0), calls::call_id(calls::call_key(line, "c1"))), name);
}

void check_status(const Words& words, const std::string& status) {
    std::vector<TestEvent> events;
    for (const std::string& word : words)
        events.push_back(report("c1", word, static_cast<int>(events.size())));
    CHECK(call_after(events, "status") == '"' + status + '"');
}

Words listed(const FoldedRows& rows, const CallQuery& query) {
    const auto page = list_calls(rows.view(0), query);
    REQUIRE(page);
    schemas::json::Parser parser;
    Words ids;
    parser.parse(page->data)->each_element([&](schemas::json::Value call) {
        ids.emplace_back(call["provider_call_id"].text());
    });
    CHECK(page->count == ids.size());
    return ids;
}

FoldedRows three_calls() {
    return folded(
        {report("old", "completed", 10,
                {{Field::caller, "+911"},
                 {Field::agent, "ann"},
                 {Field::department, "sales"},
                 {Field::direction, "inbound"}}),
         report(
             "gone", "hangup", 20,
             {{Field::caller, "+912"}, {Field::department, "care"}, {Field::direction, "inbound"}}),
         report("now", "ringing", 30,
                {{Field::callee, "+911"},
                 {Field::agent_number, "+919"},
                 {Field::department, "care"},
                 {Field::customer_name, "Meera Nair"},
                 {Field::direction, "outbound"}})});
}

}  // namespace

TEST_CASE("calls: a state only goes forward, whichever report comes first") {
    check_status({"ringing", "answered", "completed"}, "completed");
    check_status({"completed", "answered", "ringing"}, "completed");
    check_status({"answered", "in_progress", "ringing"}, "answered");
    check_status({"missed", "in_progress"}, "missed");
}

TEST_CASE("calls: of two ends the later one holds") {
    check_status({"no_answer", "completed"}, "completed");
    check_status({"completed", "no_answer"}, "no_answer");
}

TEST_CASE("calls: an unknown word ends nothing and is kept") {
    check_status({"ringing", "unknown"}, "ringing");
    check_status({"unknown"}, "unknown");
    check_status({"parked-by-robot"}, "unknown");
    CHECK(call_after({report("c1", "ringing", 1), report("c1", "parked-by-robot", 2)},
                     "raw_status") == R"("parked-by-robot")");
    CHECK(call_after({report("c1", "ringing", 1), report("c1", "parked-by-robot", 2)}, "live") ==
          "true");
}

TEST_CASE("calls: members are those of the latest report, the start is the earliest told") {
    TestEvent first = report("c1", "ringing", 5, {{Field::department, "sales"}});
    TestEvent second = report("c1", "completed", 9, {{Field::department, "care"}});
    first.numbers[Field::talk_s] = 3;
    second.numbers[Field::talk_s] = 40;
    for (const auto& events : {std::vector{first, second}, std::vector{second, first}}) {
        CHECK(call_after(events, "department") == R"("care")");
        CHECK(call_after(events, "talk_s") == "40");
        CHECK(call_after(events, "at") == R"("2023-11-14T22:13:25Z")");
    }
}

TEST_CASE("calls: legs are attempts, each once") {
    const std::vector<TestEvent> events = {
        report("c1", "ringing", 1, {{Field::leg, "+911"}, {Field::agent_status, "busy"}}),
        report("c1", "ringing", 2, {{Field::leg, "+912"}, {Field::agent, "ann"}}),
        report("c1", "completed", 3, {{Field::leg, "+912"}, {Field::agent, "ann"}})};
    CHECK(call_after(events, "attempts") == "2");
    CHECK(
        call_after(events, "legs") ==
        R"([{"dialled":"+911","first_at":"2023-11-14T22:13:21Z","status":"busy"},)"
        R"({"dialled":"+912","first_at":"2023-11-14T22:13:22Z","agent":"ann","status":"completed"}])");
}

TEST_CASE("calls: long words of legs do not make a row that cannot be read again") {
    std::vector<TestEvent> events;
    for (int i = 0; i < 8; ++i)
        events.push_back(report("c1", "ringing", i,
                                {{Field::leg, std::to_string(i) + tests::long_word},
                                 {Field::agent, tests::long_word},
                                 {Field::agent_status, tests::long_word}}));
    FoldedRows rows{{&projection}};
    rows.fold(events, 1, 0);
    CHECK(tests::longest_row(rows.rows()) < tests::row_bytes_sane);
    CHECK(call_after(events, "attempts") == "8");
}

TEST_CASE("calls: reports without a call id are calls of their own; other types say nothing") {
    TestEvent answered = report("c2", "answered", 3);
    answered.type = "ivr.call.answered";
    const FoldedRows rows = folded({report("", "missed", 1), report("", "missed", 2), answered});
    CHECK(listed(rows, {}).size() == 2);
}

TEST_CASE("calls: the end told with our reference joins the reported call") {
    TestEvent ended = report("c1", "completed", 3, {{Field::custom_ref, "order-7"}});
    ended.type = "voice.call.ended";
    CHECK(call_after({ended, report("c1", "completed", 3)}, "custom_ref") == R"("order-7")");
    TestEvent nameless = report("", "completed", 3);
    nameless.type = "voice.call.ended";
    CHECK(listed(folded({nameless}), {}).empty());
}

TEST_CASE("calls: lists filter, newest first") {
    const FoldedRows rows = three_calls();
    CHECK(listed(rows, {}) == Words{"now", "gone", "old"});
    CHECK(listed(rows, {.oldest_first = true}) == Words{"old", "gone", "now"});
    CHECK(listed(rows, {.department = "care"}) == Words{"now", "gone"});
    CHECK(listed(rows, {.live = true}) == Words{"now"});
    CHECK(listed(rows, {.live = false}) == Words{"gone", "old"});
    CHECK(listed(rows, {.status = "hangup"}) == Words{"gone"});
    CHECK(listed(rows, {.agent = "ann"}) == Words{"old"});
    CHECK(listed(rows, {.agent = "+919"}) == Words{"now"});
    CHECK(listed(rows, {.direction = "outbound"}) == Words{"now"});
    CHECK(listed(rows, {.numbers = {"+911"}}) == Words{"now", "old"});
    CHECK(listed(rows, {.numbers = {"+911", "+912"}}) == Words{"now", "gone", "old"});
    CHECK(listed(rows, {.search = "meera"}) == Words{"now"});
    CHECK(listed(rows, {.from = at(20), .to = at(30)}) == Words{"gone"});
    CHECK(listed(rows, {.provider = "other"}).empty());
}

TEST_CASE("calls: pages by cursor give each call once") {
    const FoldedRows rows = three_calls();
    const auto first = list_calls(rows.view(0), {.limit = 2});
    REQUIRE(first);
    CHECK(first->total == 3);
    CHECK(listed(rows, {.limit = 2, .cursor = first->next_cursor}) == Words{"old"});
    CHECK_FALSE(list_calls(rows.view(0), {.cursor = "nonsense"}));
}

TEST_CASE("calls: badges follow a call from live to hung up") {
    std::vector<TestEvent> events = {report("c1", "ringing", 1, {{Field::department, "care"}}),
                                     report("c2", "ringing", 1)};
    CHECK(count_calls(folded(events).view(0), "") ==
          R"({"live":{"care":1,"unknown":1},"hangup":{}})");
    events.push_back(report("c1", "hangup", 2));
    events.push_back(report("c2", "completed", 2));
    CHECK(count_calls(folded(events).view(0), "sales-ivr") == R"({"live":{},"hangup":{"care":1}})");
    CHECK(count_calls(folded(events).view(0), "other") == R"({"live":{},"hangup":{}})");
}
