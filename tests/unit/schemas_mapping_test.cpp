#include "tests/unit/schemas_mapping_support.hpp"

#include "schemas/lint.hpp"
#include "schemas/mapping/run.hpp"

#include <algorithm>

using namespace schemas;
using namespace schemas::testing;

namespace {

constexpr std::string_view whatsapp = R"(
mapping: cloud
version: 1
channel: chat
body: [json]
defaults: {format: unix_s, country: none}
rules:
  - for_each: {entry: "entry[]", change: "$entry.changes[]", message: "$change.value.messages[]"}
    when: $change.field == messages
    let:
      contact: "$change.value.contacts[wa_id=$message.from]"
    fields:
      direction: {const: inbound}
      message_id: {from: $message.id, required: true}
      customer_phone: {from: $message.from, as: phone}
      customer_name: $contact.profile.name
      kind: {from: $message.type, map: {text: text, voice: audio}, else: other}
      text: [$message.text.body, "$message[$message.type].caption"]
      media_id: "$message[$message.type].id"
    time: $message.timestamp
    key: [message_id]
    identity: [{whatsapp: $message.from}, {phone: customer_phone}]
    emit:
      - {type: whatsapp.message.reacted, when: $message.type == reaction}
      - {type: whatsapp.message.received, when: $message.type != reaction}
  - for_each: {entry: "entry[]", change: "$entry.changes[]", status: "$change.value.statuses[]"}
    fields: {message_id: $status.id}
    time: $status.timestamp
    key: [message_id]
    emit: {type: {from: $status.status, map: {sent: whatsapp.message.sent, read: whatsapp.message.read, played: ~}}}
)";

constexpr std::string_view two_messages =
    R"({"entry":[{"id":"1","changes":[{"field":"messages","value":{
"contacts":[{"wa_id":"911","profile":{"name":"Asha"}},{"wa_id":"919876543210","profile":{"name":"Ravi"}}],
"messages":[{"from":"919876543210","id":"wamid.A","timestamp":"1700000001","type":"text","text":{"body":"hi"}},
{"from":"911","id":"wamid.B","timestamp":1700000002,"type":"image","image":{"id":"m1","caption":"look"}}]}}]}]})";

// A mapping with one rule that reads `spec` into `field`.
std::string one_field(std::string_view field, std::string_view spec, std::string_view more = "") {
    return fmt::format(
        "mapping: m\nchannel: web\nbody: [json, form, query]\n{}\nfields:\n  {}: {}\nemit: {{type: "
        "a.b}}\n",
        more, field, spec);
}

void check_field(std::string_view field, std::string_view spec, std::string_view body,
                 std::string_view expected, const SourceSettings& settings = {}) {
    CAPTURE(spec);
    CAPTURE(body);
    Mapper mapper(one_field(field, spec), settings);
    CHECK(show(mapper.map(body)) == fmt::format("a.b{}\n", expected));
}

std::string compile_error(std::string_view yaml) {
    auto mapping = Mapping::compile(yaml, "test.yaml");
    return mapping ? "compiled" : mapping.error().message;
}

std::string list_of(std::size_t count, std::string_view item) {
    std::string out = "[";
    for (std::size_t i = 0; i < count; ++i) out += fmt::format("{}{}", i ? "," : "", item);
    return out + "]";
}

}  // namespace

TEST_CASE("mapping: a body with several messages gives one event each, in order") {
    Mapper mapper(whatsapp);
    CHECK(show(mapper.map(two_messages)) ==
          "whatsapp.message.received direction=inbound message_id=wamid.A "
          "customer_phone=+919876543210 "
          "customer_name=Ravi kind=text text=hi whatsapp:919876543210 phone:+919876543210\n"
          "whatsapp.message.received direction=inbound message_id=wamid.B customer_name=Asha "
          "kind=other "
          "text=look media_id=m1 raw.customer_phone=911 raw.kind=image whatsapp:911 "
          "!customer_phone:not a phone number !kind:unknown word\n");
}

TEST_CASE("mapping: an event knows its record, time and place among the events") {
    Mapper mapper(whatsapp);
    const auto& events = mapper.map(two_messages).events;
    REQUIRE(events.size() == 2);
    CHECK(bus::to_iso(events[1].time) == "2023-11-14T22:13:22Z");
    CHECK_FALSE(events[1].time_is_ingest);
    CHECK(events[1].ingest_time == ingest_time);
    CHECK(events[1].emit_index == 1);
    CHECK(events[1].tenant.value == 11);
    CHECK(events[1].source.value == 22);
    CHECK(events[1].source_slug == "front-desk");
    CHECK(events[1].type == EventType::whatsapp_message_received);
}

TEST_CASE("mapping: a table of types emits nothing for a word without type") {
    Mapper mapper(whatsapp);
    const auto body = [](std::string_view status) {
        return fmt::format(
            R"({{"entry":[{{"changes":[{{"value":{{"statuses":[{{"id":"x","status":"{}"}}]}}}}]}}]}})",
            status);
    };
    CHECK(show(mapper.map(body("read"))) == "whatsapp.message.read message_id=x\n");
    CHECK(show(mapper.map(body("played"))) == "");
    CHECK(show(mapper.map(body("warned"))) == "");
}

TEST_CASE("mapping: what it may emit is known without a record") {
    const auto may_emit = [](const std::string& emits, std::string_view prefix) {
        return Mapper("mapping: m\nversion: 1\nchannel: web\nbody: json\nemit:\n" + emits)
            .bound()
            .may_emit(prefix);
    };
    CHECK(may_emit("  - {type: a.b}\n  - {type: c.d}\n", "c."));
    CHECK_FALSE(may_emit("  - {type: a.b}\n  - {type: c.d}\n", "d."));
    const std::string table = "  - {type: {from: kind, map: {X: a.b, Y: null}";
    CHECK(may_emit(table + "}}\n", "a."));
    CHECK_FALSE(may_emit(table + "}}\n", "b."));
    CHECK(may_emit(table + ", else: b.c}}\n", "b."));
    CHECK(may_emit(table + ", else: same}}\n", "anything."));
    CHECK(may_emit("  - {type: {from: kind}}\n", "anything."));
}

TEST_CASE("mapping: a missing required field fails its own event only") {
    Mapper mapper(whatsapp);
    const auto& mapped =
        mapper.map(R"({"entry":[{"changes":[{"field":"messages","value":{"messages":[
        {"type":"text"},{"id":"b","type":"text"}]}}]}]})");
    REQUIRE(mapped.events.size() == 1);
    REQUIRE(mapped.failures.size() == 1);
    CHECK(mapped.failures[0].emit_index == 0);
    CHECK(mapped.failures[0].path == "$message.id");
    CHECK(mapped.failures[0].reason == "message_id: is absent");
    CHECK(mapped.events[0].emit_index == 1);
}

TEST_CASE("mapping: a body that is no JSON, or of another kind, is a failure and no error") {
    Mapper mapper(whatsapp);
    CHECK(mapper.map("{\"a\":").failures.size() == 1);
    CHECK(mapper.map(Request{.body = "a=b", .content_type = "application/x-www-form-urlencoded"})
              .failures[0]
              .reason == "the mapping does not read form");
    CHECK(mapper.map("").failures.size() == 1);
    CHECK(mapper.map("{}").failures.empty());
}

TEST_CASE("mapping: the id follows the natural key, else the record") {
    Mapper mapper(whatsapp);
    const auto first = mapper.map(two_messages).events[0].id;
    CHECK(mapper.map(two_messages).events[0].id == first);
    CHECK(mapper.map(two_messages).events[1].id != first);
    Mapper keyless(one_field("text", "t"));
    const auto by_record = keyless.map(R"({"t":"a"})").events[0].id;
    CHECK(keyless.map(R"({"t":"b"})").events[0].id == by_record);
}

TEST_CASE("mapping: two events of one rule with the same key differ by their type") {
    Mapper mapper(
        "mapping: m\nchannel: voice\nfields: {call_id: id}\nkey: [call_id]\n"
        "emit: [{type: ivr.call.reported}, {type: ivr.call.started}]\n");
    const auto& events = mapper.map(R"({"id":"c"})").events;
    REQUIRE(events.size() == 2);
    CHECK(events[0].id != events[1].id);
}

TEST_CASE("mapping: a key with an absent part falls back on the record, unless it is optional") {
    const auto mapping = [](std::string_view key) {
        return fmt::format(
            "mapping: m\nchannel: voice\nfields: {{call_id: id, leg: leg, text: t}}\nkey: {}\n"
            "emit: {{type: a.b}}\n",
            key);
    };
    const auto ids_equal = [](Mapper mapper, std::string_view a, std::string_view b) {
        const auto id = mapper.map(a).events[0].id;
        return mapper.map(b).events[0].id == id;
    };
    // Without a key both are named by the same record of the test.
    CHECK(ids_equal(Mapper(mapping("[call_id, leg]")), R"({"id":"1"})", R"({"id":"2"})"));
    CHECK_FALSE(ids_equal(Mapper(mapping("[call_id, 'leg?']")), R"({"id":"1"})", R"({"id":"2"})"));
    CHECK(
        ids_equal(Mapper(mapping("[call_id, 'leg?']")), R"({"id":"1"})", R"({"id":"1","t":"x"})"));
    CHECK_FALSE(
        ids_equal(Mapper(mapping("[call_id, $body]")), R"({"id":"1"})", R"({"id":"1","t":"x"})"));
}

TEST_CASE("mapping: paths lead through members, numbers, selectors and odd names") {
    const auto body =
        R"({"a":{"b":[{"k":"x","n":{"v":1}},{"k":"y","n":{"v":2}}],"odd.name":"o","sp ace":"s"},"w":"b"})";
    check_field("text", "a.b[0].k", body, " text=x");
    check_field("text", "a.b[-1].k", body, " text=y");
    check_field("text", "'a.b[k=y].n.v'", body, " text=2");
    check_field("text", "'a.b[n.v=2].k'", body, " text=y");
    check_field("text", "'a.\"odd.name\"'", body, " text=o");
    check_field("text", "'a[odd name]'", R"({"a":{"odd name":"z"}})", " text=z");
    check_field("text", "a.sp ace", body, " text=s");
    check_field("text", "'a[$body.w][0].k'", body, " text=x");
    check_field("text", "$source", body, " text=front-desk");
    check_field("text", "'a[$body.none]'", R"({"a":{"":"nameless"}})", "");
    for (auto absent : {"a.c", "a.b[9].k", "a.b[-3].k", "w.x", "a.b.k", "'a.b[k=z].k'"}) {
        check_field("text", absent, body, "");
    }
}

TEST_CASE("mapping: the first path that is not empty wins") {
    check_field("text", "[a, b, c]", R"({"a":"","b":null,"c":"third"})", " text=third");
    check_field("text", "[{when: $body.x == 1, from: a}, {from: b}]", R"({"x":2,"a":"A","b":"B"})",
                " text=B");
    check_field("text", "[{when: $body.x == 1, from: a}, {from: b}]", R"({"x":1,"a":"A","b":"B"})",
                " text=A");
}

TEST_CASE("mapping: words for nothing are absent in forms, and in JSON where the file says so") {
    Mapper plain(one_field("text", "a"));
    CHECK(show(plain.map(R"({"a":"None"})")) == "a.b text=None\n");
    for (auto word : {"null", "None", "NA", "{caller}", "%7Bcaller%7D", "${x}", ""}) {
        CAPTURE(word);
        CHECK(show(plain.map(Request{.body = fmt::format("a={}", word), .is_query = true})) ==
              "a.b\n");
    }
    CHECK(show(plain.map(Request{.body = "a=nullify", .is_query = true})) == "a.b text=nullify\n");
    Mapper named(one_field("text", "{from: a, empty: ['-']}", "empty: [nil, '{}']"));
    CHECK(show(named.map(R"({"a":"nil"})")) == "a.b\n");
    CHECK(show(named.map(R"({"a":"-"})")) == "a.b\n");
    CHECK(show(named.map(R"({"a":"{x}"})")) == "a.b\n");
    CHECK(show(named.map(R"({"a":"null"})")) == "a.b text=null\n");
}

TEST_CASE("mapping: a form may name a parameter like a path") {
    Mapper mapper(one_field("text", "'Legs[0][Number]'"));
    CHECK(show(mapper.map(Request{.body = "Legs%5B0%5D%5BNumber%5D=98+76",
                                  .content_type = "application/x-www-form-urlencoded"})) ==
          "a.b text=98 76\n");
    CHECK(show(mapper.map(R"({"Legs":[{"Number":"12"}]})")) == "a.b text=12\n");
}

TEST_CASE("mapping: a multipart form is read like the other") {
    Mapper mapper(one_field("text", "b"));
    const Request request{
        .body =
            "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--XX\r\n"
            "content-disposition: form-data; name=\"b\"\r\n\r\ntwo\r\nlines\r\n--XX--\r\n",
        .content_type = "multipart/form-data; boundary=XX"};
    CHECK(show(mapper.map(request)) == "a.b text=two\r\nlines\n");
}

TEST_CASE("mapping: bytes of a header that are no UTF-8 are none in an event either") {
    Mapper mapper("mapping: m\nchannel: web\nfields: {text: $header.X-Word}\nemit: {type: a.b}\n");
    const auto text_of = [&](const std::string& value) {
        const Mapped& mapped = mapper.map({.body = "{}", .headers = {{"x-word", value}}});
        REQUIRE(mapped.events.size() == 1);
        return std::string(mapped.events.front().text(Field::text));
    };
    CHECK(text_of("caf\xC3\xA9") == "caf\xC3\xA9");
    CHECK(text_of("caf\xE9 au lait") == "caf\xEF\xBF\xBD au lait");
}

TEST_CASE("mapping: headers, query and record values are paths too") {
    const SourceSettings settings{.field_mapping = {{"caller", "data.from"}},
                                  .extra = {{"team", "north"}}};
    const auto yaml =
        "mapping: m\nchannel: web\nfields: {object_id: $header.X-Id, text: $query.q, team: "
        "$record.team, "
        "caller: $record.field_mapping.caller, callee: $record.field_mapping.callee, agent: "
        "$record.agent}\n"
        "emit: {type: a.b}\n";
    Mapper mapper(yaml, settings);
    const Request request{
        .body = R"({"data":{"from":"x"}})", .url_query = "z=1&q=a%20b", .headers = {{"x-id", "h"}}};
    CHECK(show(mapper.map(request)) == "a.b object_id=h text=a b team=north caller=x\n");
}

TEST_CASE("mapping: JSON inside a text is read on") {
    const auto yaml =
        "mapping: m\nchannel: web\nbody: [form]\nlet: {p: {from: payload, as: json}}\n"
        "fields: {text: $p.a.b}\nemit: {type: a.b}\n";
    Mapper mapper(yaml);
    CHECK(show(mapper.map(Request{.body = "payload=%7B%22a%22%3A%7B%22b%22%3A%22c%22%7D%7D",
                                  .content_type = "application/x-www-form-urlencoded"})) ==
          "a.b text=c\n");
    CHECK(show(mapper.map(Request{.body = "payload=%7B",
                                  .content_type = "application/x-www-form-urlencoded"})) ==
          "a.b\n");
}

TEST_CASE("mapping: tables look words up whatever their letter case, the record's first") {
    const SourceSettings settings{
        .status_mapping = {{"Answered", "completed"}, {"BUSY", "missed"}}};
    const auto spec =
        "{from: s, map: [$record.status_mapping, {busy: busy, cancel: ~}], else: unknown, "
        "keep_raw: true}";
    check_field("status", spec, R"({"s":"ANSWERED"})", " status=completed raw.status=ANSWERED",
                settings);
    check_field("status", spec, R"({"s":"busy"})", " status=missed raw.status=busy", settings);
    check_field("status", spec, R"({"s":"busy"})", " status=busy raw.status=busy");
    check_field("status", spec, R"({"s":"Cancel"})", " raw.status=Cancel");
    check_field("status", spec, R"({"s":"hm"})",
                " status=unknown raw.status=hm !status:unknown word");
    const SourceSettings own_words{.status_mapping = {{"QUEUED", "waiting"}, {"OK", "Active"}}};
    const auto chained =
        "{from: s, map: [$record.status_mapping, {waiting: ringing, active: in_progress}]}";
    check_field("status", chained, R"({"s":"queued"})", " status=ringing", own_words);
    check_field("status", chained, R"({"s":"ok"})", " status=in_progress", own_words);
    check_field("status", chained, R"({"s":"waiting"})", " status=ringing", own_words);
    check_field("status", "{from: s, map: {a: b}}", R"({"s":"c"})",
                " raw.status=c !status:unknown word");
    check_field("status", "{from: s, map: {a: b}, else: same}", R"({"s":"c"})",
                " status=c raw.status=c !status:unknown word");
}

TEST_CASE("mapping: defaults stand in for what is absent or unreadable") {
    check_field("duration_s", "{from: d, as: seconds, default: 0}", "{}", " duration_s=0");
    check_field("duration_s", "{from: d, as: seconds, default: 0}", R"({"d":"soon"})",
                " duration_s=0 raw.duration_s=soon !duration_s:not a duration");
    check_field("private_note", "{const: true}", "{}", " private_note=true");
}

TEST_CASE("mapping: steps make of words what the field holds") {
    check_field("customer_email", "{from: e, as: email}", R"({"e":" Asha <Asha@Example.IN> "})",
                " customer_email=asha@example.in");
    check_field("customer_email", "{from: e, as: email}", R"({"e":"no"})",
                " raw.customer_email=no !customer_email:not an email address");
    check_field("amount_minor", "{from: a, as: money, currency: INR}", R"({"a":"1,234.50"})",
                " amount_minor=123450");
    check_field("amount_minor", "{from: a, as: money, currency: c}", R"({"a":1234.5})",
                " amount_minor=123450");
    check_field("amount_minor", "{from: a, as: money, currency: $body.c}",
                R"({"a":"99","c":"jpy"})", " amount_minor=99");
    check_field("amount_minor", "{from: a, as: money, minor: true}", R"({"a":999})",
                " amount_minor=999");
    check_field("quantity", "q", R"({"q":"3"})", " quantity=3");
    check_field("quantity", "q", R"({"q":2.5})", " raw.quantity=2.5 !quantity:not a whole number");
    check_field("bounce", "b", R"({"b":"Yes"})", " bounce=true");
    check_field("text", "{from: t, as: lower}", R"({"t":"ABC"})", " text=abc");
    check_field("text", "{from: t, as: digits}", R"({"t":"+91-98"})", " text=9198");
    check_field("text", "t", R"({"t":true})", " text=true");
    check_field("text", "t", R"({"t":1586420216.71})", " text=1586420216.71");
    check_field("text", "t", R"({"t":18446744073709551615})", " text=18446744073709551615");
    check_field("text", "t", R"({"t":{"a":[1]}})", R"( text={"a":[1]})");
}

TEST_CASE("mapping: a number may be less what another path tells") {
    const std::string_view refunded = "{from: total, less: [p.total, before]}";
    const auto check = [&](std::string_view body, std::string_view expected) {
        check_field("amount_minor", refunded, body, expected);
    };
    check(R"({"total":5000,"p":{"total":2000}})", " amount_minor=3000");
    check(R"({"total":5000,"p":{"total":null},"before":"2000"})", " amount_minor=3000");
    check(R"({"total":5000,"p":{"total":0}})", " amount_minor=5000");
    check(R"({"total":2000,"before":5000})", " amount_minor=-3000");
    check(R"({"total":9007199254740993,"before":9007199254740992})", " amount_minor=1");
    check_field("amount_minor", "{from: a, less: b, as: money, currency: INR}",
                R"({"a":"1,234.50","b":"1,000.25"})", " amount_minor=23425");
    check_field("duration_s", "{from: a, less: b, as: seconds}", R"({"a":"1:00:00","b":"90"})",
                " duration_s=3510");
    check_field("quantity", "{from: a, less: b, empty: [none]}", R"({"a":3,"b":"none"})",
                " quantity=3");
}

TEST_CASE("mapping: what cannot be taken off leaves the number whole") {
    const auto check = [](std::string_view body, std::string_view expected) {
        check_field("quantity", "{from: a, less: b}", body, expected);
    };
    check(R"({"a":3})", " quantity=3");
    check(R"({"a":3,"b":null})", " quantity=3");
    check(R"({"b":3})", "");
    for (const std::string_view b : {R"("few")", "0.5", "{}", "[1]", "true", "1e40"}) {
        check(fmt::format(R"({{"a":3,"b":{}}})", b), " quantity=3 !quantity:'less' is unreadable");
    }
    check(R"({"a":9223372036854775807,"b":-1})",
          " quantity=9223372036854775807 !quantity:'less' is unreadable");
    check(R"({"a":"few","b":1})", " raw.quantity=few !quantity:not a whole number");
}

TEST_CASE("mapping: times use the record's format and zone") {
    const SourceSettings settings{.time_format = "%d/%m/%Y %I:%M %p", .time_zone = "Asia/Kolkata"};
    const auto spec = "{from: t, format: [$record.time_format, iso], zone: $record.time_zone}";
    check_field("started_at", spec, R"({"t":"24/02/2026 02:45 PM"})",
                " started_at=2026-02-24T09:15:00Z", settings);
    check_field("started_at", spec, R"({"t":"2026-02-24 14:45:15"})",
                " started_at=2026-02-24T09:15:15Z", settings);
    check_field("started_at", spec, R"({"t":"2026-02-24 14:45:15"})",
                " started_at=2026-02-24T14:45:15Z");
    check_field("started_at", "{from: t, format: unix_ms}", R"({"t":1700000000123})",
                " started_at=2023-11-14T22:13:20.123Z");
    check_field("started_at", "t", R"({"t":"now"})",
                " raw.started_at=now !started_at:not a time of this format");
}

TEST_CASE("mapping: without a readable time the event has the time of receipt, marked") {
    Mapper mapper("mapping: m\nchannel: web\ntime: t\nemit: {type: a.b}\n");
    CHECK(mapper.map(R"({"t":"2026-01-01"})").events[0].time_is_ingest == false);
    const auto& late = mapper.map(R"({"t":"soon"})").events[0];
    CHECK(late.time == ingest_time);
    CHECK(late.time_is_ingest);
    CHECK(show(late) == "a.b !time:not a time of this format");
    CHECK(show(mapper.map("{}")) == "a.b\n");
}

TEST_CASE("mapping: the event time may be a field's") {
    Mapper mapper(
        "mapping: m\nchannel: web\nfields: {started_at: {from: t, zone: Asia/Kolkata}}\ntime: "
        "$field.started_at\nemit: {type: a.b}\n");
    CHECK(bus::to_iso(mapper.map(R"({"t":"2026-01-01 05:30:00"})").events[0].time) ==
          "2026-01-01T00:00:00Z");
}

TEST_CASE("mapping: conditions speak of fields and paths") {
    struct Row {
        const char* condition;
        bool holds;
    };
    const Row rows[] = {{"status == missed", true},
                        {"status != missed", false},
                        {"status in (busy, 'missed')", true},
                        {"status not in (busy, missed)", false},
                        {"$body.n == 5", true},
                        {"$body.yes == true", true},
                        {"$body.none exists", false},
                        {"not $body.none exists", true},
                        {"$body.none == x", false},
                        {"$body.none != x", true},
                        {"$body.none not in (x)", true},
                        {"$body.other == $body.s", true},
                        {"status == busy or $body.n == 5", true},
                        {"status == busy and $body.n == 5 or status == missed", true},
                        {"(status == missed or status == busy) and $body.n == 6", false},
                        {"$body.odd == 'a b, (c)'", true},
                        {"not (status == missed and $body.n == 5)", false},
                        {"$body.list[v=2].k == two", true},
                        {"$body.zero exists", true},
                        {"$body.blank exists", false}};
    for (const Row& row : rows) {
        CAPTURE(row.condition);
        Mapper mapper(fmt::format(
            "mapping: m\nchannel: web\nfields: {{status: s}}\nemit:\n  - type: a.b\n    when: {}\n",
            row.condition));
        const auto& mapped =
            mapper.map(R"x({"s":"missed","n":5,"yes":true,"other":"missed","odd":"a b, (c)",
            "list":[{"v":1},{"v":2,"k":"two"}],"zero":0,"blank":"","none":null})x");
        CHECK(mapped.events.size() == (row.holds ? 1 : 0));
    }
}

TEST_CASE("mapping: an emit may add fields, key parts and a time") {
    Mapper mapper(
        "mapping: m\nchannel: web\nfields: {text: t, direction: {const: inbound}}\nkey: "
        "[text]\nemit:\n"
        "  - {type: a.b}\n"
        "  - {type: a.b, key: [direction], time: w, fields: {direction: {const: outbound}, "
        "object_id: {from: o, required: true}}}\n");
    const auto& mapped = mapper.map(R"({"t":"x","w":"2026-01-01","o":"1"})");
    CHECK(show(mapped) ==
          "a.b text=x direction=inbound\na.b text=x direction=outbound object_id=1\n");
    CHECK(mapped.events[0].id != mapped.events[1].id);
    CHECK_FALSE(mapped.events[1].time_is_ingest);
    CHECK(mapper.map(R"({"t":"x"})").failures[0].reason == "object_id: is absent");
}

TEST_CASE("mapping: a type may come from the payload") {
    Mapper mapper("mapping: m\nchannel: web\nemit: {type: $body.type}\n");
    CHECK(show(mapper.map(R"({"type":"order.paid"})")) == "order.paid\n");
    CHECK(mapper.map(R"({"type":"billing.invoice.paid"})").events[0].type ==
          EventType::billing_invoice_paid);
    CHECK(mapper.map("{}").failures[0].reason == "no name of an event type");
    CHECK(mapper.map(R"({"type":"a b"})").failures.size() == 1);
    Mapper listed(
        "mapping: m\nchannel: web\nemit: {type: {from: [t, type], map: {old: a.b}, else: same}}\n");
    CHECK(show(listed.map(R"({"type":"OLD"})")) == "a.b\n");
    CHECK(show(listed.map(R"({"type":"new.one"})")) == "new.one\n");
    CHECK(show(listed.map("{}")) == "");
}

TEST_CASE("mapping: the last rule may catch what no other took") {
    Mapper mapper(
        "mapping: m\nchannel: web\nrules:\n  - {when: $body.a exists, emit: {type: a.b}}\n  - "
        "{otherwise: true, emit: {type: c.d}}\n");
    CHECK(show(mapper.map(R"({"a":1})")) == "a.b\n");
    CHECK(show(mapper.map("{}")) == "c.d\n");
}

TEST_CASE("mapping: a body may be a list, or one object in place of it") {
    Mapper mapper(
        "mapping: m\nchannel: web\nfor_each: {e: '[]'}\nfields: {text: $e.t}\nemit: {type: a.b}\n");
    CHECK(show(mapper.map(R"([{"t":"1"},{"t":"2"}])")) == "a.b text=1\na.b text=2\n");
    CHECK(show(mapper.map(R"({"t":"1"})")) == "a.b text=1\n");
}

TEST_CASE("mapping: a short file that stands for a large program is refused, but not once stored") {
    const auto copies = [](std::size_t rules) {
        std::string yaml = "mapping: m\nchannel: web\nrules:\n";
        for (std::size_t i = 0; i < rules; ++i) yaml += "- {copy: d, emit: {type: a.b}}\n";
        return yaml;
    };
    const auto formats = [](std::size_t count) {
        return fmt::format(
            "mapping: m\nchannel: web\ndefaults: {{format: {}}}\nemit: {{type: a.b}}\n",
            list_of(count, "iso"));
    };
    CHECK(compile_error(copies(30)) == "compiled");
    CHECK(compile_error(formats(16)) == "compiled");
    const std::string large = "too large: more than 20000 paths, steps, fields and formats";
    CHECK(compile_error(copies(60)).ends_with(large));
    CHECK(compile_error(formats(17)) == "test.yaml:3:20: too large: more than 16 formats");
    for (const auto& yaml : {copies(60), formats(17)}) {
        CHECK(Mapping::compile(yaml, "test.yaml", MappingSize::any));
    }
    std::string tables = "mapping: m\nchannel: web\nemit: {type: a.b}\nfields:\n  status:\n";
    for (int i = 0; i < 100; ++i) tables += "  - {from: s, map: $record.status_mapping}\n";
    CHECK(compile_error(tables).ends_with(large));
}

TEST_CASE("mapping: a body of endless lists is a failure and not an endless work") {
    const auto check = [](std::string_view path, std::string_view key, const std::string& body) {
        Mapper mapper(
            fmt::format("mapping: m\nchannel: web\nfor_each: {{e: 'e[]'}}\n"
                        "fields: {{text: {}, kind: $e}}\nkey: [kind, {}]\nemit: {{type: a.b}}\n",
                        path, key));
        CHECK(show(mapper.map(body)) == "failed 0  the body is too large to map\n");
        CHECK(show(mapper.map(R"({"e":["x"]})")) == "a.b kind=x\n");
    };
    const std::string ones = list_of(3'000, "1");
    check("none", "kind", fmt::format(R"({{"e":{}}})", list_of(30'000, "1")));
    check("'list[k=v].x'", "kind", fmt::format(R"({{"e":{0},"list":{0}}})", ones));
    check("'list[-1].x'", "kind", fmt::format(R"({{"e":{0},"list":{0}}})", ones));
    check("none", "$body", fmt::format(R"({{"e":{},"x":"{}"}})", ones, std::string(10'000, 'x')));
}

TEST_CASE("mapping: a body of long words, long objects and many of them is not an endless work") {
    const auto check = [](std::string_view rule, std::string_view members, std::size_t count,
                          std::string_view expected) {
        CAPTURE(rule.substr(0, 60));
        Mapper mapper(fmt::format(
            "mapping: m\nchannel: web\nfor_each: {{e: 'e[]'}}\n{}\nemit: {{type: a.b}}\n", rule));
        const auto body = fmt::format(R"({{{},"e":{}}})", members, list_of(count, "1"));
        const std::string shown = show(mapper.map(body));
        CHECK(shown.substr(0, std::min<std::size_t>(shown.find('\n'), 60)) == expected);
        CHECK(show(mapper.map(R"({"e":["x"]})")) == "a.b\n");
    };
    const std::string large = "failed 0  the body is too large to map";
    const auto word = [](std::size_t size, char c = '1') {
        return fmt::format(R"("x":"{}")", std::string(size, c));
    };
    check("fields: {text: {from: x, as: lower}}", word(10'000), 3'000, large);
    check("fields: {text: {from: x, as: digits}}", word(10'000), 3'000, large);
    check("key: [$body.x]", word(100'000), 3'000, large);
    check("key: [$body.x]", word(100), 3'000, "a.b");

    // A key of too many bytes is left out, and made for no event.
    check("identity: [{whatsapp: $body.x}]", word(10'000), 3'000, "a.b");
    check("identity: [{external: $body.x}]", word(10'000), 3'000, "a.b");
    check("identity: [{whatsapp: $body.x}]", word(500'000), 3'000, large);

    const std::string list = fmt::format(R"("x":"{}")", list_of(100'000, "1"));
    check("let: {x: {from: [$e.x, $body.x], as: json}}", list, 200, large);
    check("let: {x: {from: [$e.x, $body.x], as: json}}", list, 20, "a.b");

    std::string members = R"("a":1)";
    for (int i = 1; i < 5'000; ++i) members += fmt::format(R"(,"k{}":1)", i);
    const std::string object = fmt::format(R"("o":{{{}}})", members);
    check("fields: {text: o.last}", object, 15'000, large);
    check("fields: {text: 'o[$e].x'}", object, 15'000, large);
    check("fields: {text: o.last}", object, 5'000, "a.b");

    std::string choices;
    for (int i = 0; i < 2'000; ++i) choices += "{from: x, as: integer},";
    check(fmt::format("fields: {{amount_minor: [{}]}}", choices), word(1, 'x'), 1'000, large);
    check(fmt::format("fields: {{text: {}}}", list_of(4'000, "$e.none")), word(1), 15'000, large);
}

TEST_CASE("mapping: parsers of many or large texts are not kept for the next record") {
    Mapper mapper(
        "mapping: m\nchannel: web\nfor_each: {e: 'e[]'}\n"
        "let: {x: {from: [$e.x, $body.x], as: json}}\nemit: {type: a.b}\n");
    const auto parsers_after = [&](std::size_t passes, std::size_t size) {
        mapper.map(
            fmt::format(R"({{"x":"[{}]","e":{}}})", std::string(size, ' '), list_of(passes, "1")));
        mapper.map(R"({"e":[]})");
        return mapper.scratch().state().parsers.size();
    };
    CHECK(parsers_after(3, 100) == 3);
    CHECK(parsers_after(20, 100) == 8);
    CHECK(parsers_after(1, 300'000) == 0);
}

TEST_CASE("mapping: a body of too many events is a failure and gives none of them") {
    const auto check = [](std::string_view emit) {
        Mapper mapper(
            fmt::format("mapping: m\nchannel: web\nfor_each: {{e: 'e[]'}}\nfields: {{kind: $e}}\n"
                        "emit: [{{type: a.b}}, {}]\n",
                        emit));
        const auto body_of = [](std::size_t count) {
            return fmt::format(R"({{"e":{}}})", list_of(count, "1"));
        };
        CHECK(show(mapper.map(body_of(15'000))) == "failed 0  the body is too large to map\n");
        const auto& largest = mapper.map(body_of(10'000));
        CHECK(largest.events.size() + largest.failures.size() == 20'000);
    };
    check("{type: c.d}");
    check("{type: c.d, fields: {text: {from: none, required: true}}}");
}

TEST_CASE("mapping: identity keys are normalised, named once and left out when unreadable") {
    const SourceSettings settings{.country = "IN"};
    Mapper mapper(
        "mapping: stripe\nchannel: web\nfields: {caller: {from: p, as: phone}}\nidentity: [{phone: "
        "caller}, {phone: $body.p}, {email: $body.e}, "
        "{whatsapp: $body.w}, {external: $body.c}, {external: $body.c, system: zoho}]\nemit: "
        "{type: a.b}\n",
        settings);
    CHECK(show(mapper.map(R"({"p":"098765 43210","e":"A@B.C","w":"+91 9876","c":"cus_1"})")) ==
          "a.b caller=+919876543210 phone:+919876543210 email:a@b.c whatsapp:919876 "
          "external:stripe:cus_1 external:zoho:cus_1\n");
    CHECK(show(mapper.map(R"({"p":"anonymous","e":"x","w":"US.12"})")) ==
          "a.b raw.caller=anonymous whatsapp:US.12 !caller:not a phone number\n");
}

TEST_CASE("mapping: copy takes members named like fields, written fields replace them") {
    Mapper mapper(R"(
mapping: m
channel: web
copy: data
fields:
  customer_phone: {from: data.customer_phone, as: phone, country: IN}
emit:
  - {type: a.b, when: status == read}
)");
    CHECK(show(mapper.map(R"({"data": {"status": "read", "message_id": "m1", "size_bytes": "12",
        "bounce": true, "started_at": "2024-01-02T03:04:05Z", "customer_phone": "098765 43210",
        "unheard_of": 1, "text": ""}, "title": "outside"})")) ==
          "a.b customer_phone=+919876543210 message_id=m1 status=read "
          "started_at=2024-01-02T03:04:05Z bounce=true size_bytes=12\n");
    CHECK(show(mapper.map(R"({"data": {"status": "read", "attempt": "many"}})")) ==
          "a.b status=read raw.attempt=many !attempt:not a whole number\n");
    CHECK(show(mapper.map(R"({"data": "read"})")).empty());
}

TEST_CASE("mapping: a mail is read by the reader it is given") {
    const BodyReader reader = [](std::string_view body,
                                 std::string& json) -> bus::Result<bus::Done> {
        json += fmt::format(R"({{"subject":"{}"}})", body.size());
        return bus::Done{};
    };
    const auto yaml =
        "mapping: m\nchannel: email\nbody: mail\nfields: {subject: subject}\nemit: {type: a.b}\n";
    Mapper mapper(yaml, {}, reader);
    CHECK(show(mapper.map(Request{.body = "From: x\r\n", .content_type = "message/rfc822"})) ==
          "a.b subject=9\n");
    CHECK(
        Mapper(yaml).map(Request{.body = "x", .content_type = "message/rfc822"}).failures.size() ==
        1);
}

TEST_CASE("mapping: the stamp follows the text and the values used, and no others") {
    const auto stamp = [](std::string_view yaml, const SourceSettings& settings) {
        return Mapper(yaml, settings).bound().stamp();
    };
    const auto yaml =
        one_field("started_at", "{from: $record.field_mapping.start, zone: $record.time_zone}");
    const SourceSettings settings{.field_mapping = {{"start", "s"}}, .time_zone = "Asia/Kolkata"};
    auto other = settings;
    other.country = "IN";
    other.field_mapping["unused"] = "u";
    CHECK(stamp(yaml, settings).size() == 32);
    CHECK(stamp(yaml, settings) == stamp(yaml, other));
    other.field_mapping["start"] = "t";
    CHECK(stamp(yaml, settings) != stamp(yaml, other));
    CHECK(stamp(yaml, settings) != stamp(yaml + "\n", settings));
}

TEST_CASE("mapping: of the settings those are kept that are used, and they give the same stamp") {
    const SourceSettings all{.field_mapping = {{"start", "s"}, {"end", "e"}},
                             .status_mapping = {{"ok", "completed"}},
                             .time_format = "unix_s",
                             .time_zone = "Asia/Kolkata",
                             .country = "IN",
                             .extra = {{"team", "blue"}, {"department", "secret"}}};
    const auto check = [&](std::string_view yaml, const SourceSettings& used) {
        const Mapper mapper(yaml, all);
        CHECK(mapper.bound().settings() == used);
        CHECK(Mapper(yaml, used).bound().stamp() == mapper.bound().stamp());
        CHECK(Mapper(yaml, used).bound().settings() == used);
    };
    check(one_field("text", "t"), {});
    check(one_field("text", "[$record.team, $record.absent]"), {.extra = {{"team", "blue"}}});
    check(one_field("started_at",
                    "{from: [$record.field_mapping.start, "
                    "$record.field_mapping.none], zone: $record.time_zone}"),
          {.field_mapping = {{"start", "s"}}, .time_zone = "Asia/Kolkata"});
    check(one_field("started_at", "{from: t, format: [$record.time_format, iso]}"),
          {.time_format = "unix_s"});
    check(one_field("caller", "{from: c, as: phone, country: $record.country}"), {.country = "IN"});
    check(one_field("status", "{from: s, map: [$record.status_mapping]}"),
          {.status_mapping = {{"ok", "completed"}}});
}

TEST_CASE("mapping: a wrong value of the record is refused when binding") {
    const auto check = [](const SourceSettings& settings, std::string_view expected) {
        auto mapping = Mapping::compile(one_field("started_at",
                                                  "{from: $record.field_mapping.s, format: "
                                                  "$record.time_format, zone: $record.time_zone}"),
                                        "f");
        REQUIRE(mapping);
        auto bound = BoundMapping::bind(*mapping, settings);
        REQUIRE_FALSE(bound);
        CHECK(bound.error().message.find(expected) != std::string::npos);
    };
    check({.time_zone = "Asia/Nowhere"}, "unknown time zone 'Asia/Nowhere'");
    check({.time_format = "%Q"}, "unknown conversion");
    check({.field_mapping = {{"s", "a[0"}}}, "field_mapping.s: path 'a[0' has an open bracket");
    check({.field_mapping = {{"s", "a[]"}}}, "must lead into the request");
    check({.field_mapping = {{"s", "$record.field_mapping.s"}}}, "must lead into the request");
}

TEST_CASE("mapping: a wrong file is refused with its line, column and reason") {
    const std::string head = "mapping: m\nchannel: web\n";
    const std::string emit = "emit: {type: a.b}\n";
    CHECK(compile_error("") == "test.yaml:1:1: a mapping file is a map");
    CHECK(compile_error("mapping: [").starts_with("test.yaml:"));
    CHECK(compile_error("channel: web\n") == "test.yaml:1:1: 'mapping: <name>' is missing");
    CHECK(compile_error("mapping: m\nchannel: facts\n") == "test.yaml:2:10: 'facts' is no channel");
    CHECK(compile_error(head + "fields:\n  colour: x\n" + emit) ==
          "test.yaml:4:3: 'colour' is no canonical field");
    CHECK(compile_error(head + "fields:\n  text: {form: x}\n" + emit) ==
          "test.yaml:4:10: unknown key 'form'");
    CHECK(compile_error(head + "fields:\n  text: $m.x\n" + emit) ==
          "test.yaml:4:9: path '$m.x' names no variable known here");
    CHECK(compile_error(head + "fields:\n  text: {from: a, as: seconds}\n" + emit) ==
          "test.yaml:4:23: 'text' is of kind text, not seconds");
    CHECK(compile_error(head + "fields:\n  text: {from: a, as: shout}\n" + emit) ==
          "test.yaml:4:23: 'as: shout' is unknown");
    CHECK(compile_error(head + "fields:\n  quantity: {const: few}\n" + emit) ==
          "test.yaml:4:21: 'few' is no constant of kind integer");
    CHECK(compile_error(head + "fields:\n  started_at: {from: a, format: '%Q'}\n" + emit) ==
          "test.yaml:4:33: unknown conversion in time format '%Q'");
    CHECK(compile_error(head + "fields:\n  started_at: {from: a, zone: Moon/Base}\n" + emit) ==
          "test.yaml:4:31: unknown time zone 'Moon/Base'");
    CHECK(compile_error(head + "fields:\n  text: 'a[]'\n" + emit) ==
          "test.yaml:4:9: [] is for for_each only");
    CHECK(compile_error(head + "fields:\n  text: a\n  text: b\n" + emit) ==
          "test.yaml:5:3: 'text' is given twice");
    CHECK(compile_error(head + "emit:\n  - {type: started}\n") ==
          "test.yaml:4:12: a type is named like 'ivr.call.started'");
    CHECK(compile_error(head + "emit:\n  - {type: a.b, when: status == x}\n") ==
          "test.yaml:4:23: path '$field.status' names a field that is not mapped above");
    CHECK(compile_error(head + "emit:\n  - {type: a.b, when: $body.x = y}\n") ==
          "test.yaml:4:23: condition '$body.x = y' needs ==, !=, in or exists after $body.x");
    CHECK(compile_error(head + "for_each: {a: b}\n" + emit) ==
          "test.yaml:3:15: a path of for_each ends in []");
    CHECK(compile_error(head + "for_each: {body: 'b[]'}\n" + emit) ==
          "test.yaml:3:12: the name 'body' is taken");
    CHECK(compile_error(head + "fields: {text: a}\n") == "test.yaml:1:1: 'emit' is missing");
    CHECK(compile_error(head + "rules:\n  - {emit: {type: a.b}, extra: 1}\n") ==
          "test.yaml:4:25: unknown key 'extra'");
    CHECK(compile_error(head + "fields:\n  status: {from: a, else: b}\n" + emit) ==
          "test.yaml:4:27: 'else' needs a 'map'");
    CHECK(compile_error(head + "fields:\n  text: {from: a, less: b}\n" + emit) ==
          "test.yaml:4:25: 'less' is for numbers only");
    CHECK(compile_error(head + "fields:\n  quantity: {const: 1, less: b}\n" + emit) ==
          "test.yaml:4:30: 'less' needs a 'from'");
    CHECK(compile_error(head + "fields:\n  quantity: {from: a, less: 'b[]'}\n" + emit) ==
          "test.yaml:4:29: [] is for for_each only");
    CHECK(compile_error(head + "fields:\n  status: {from: a, map: {X: b, x: c}}\n" + emit) ==
          "test.yaml:4:33: 'x' is given twice");
}

TEST_CASE("mapping: lint says what compile says") {
    CHECK(lint(whatsapp, "w.yaml"));
    CHECK(lint("mapping: m\n", "w.yaml").error().message ==
          "w.yaml:1:1: 'channel: <topic>' is missing");
}
