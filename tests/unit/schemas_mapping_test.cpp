// Which events a mapping makes of a body, and what each of them is.
#include "tests/unit/schemas_mapping_support.hpp"

using namespace schemas;
using namespace schemas::testing;

namespace {

constexpr std::string_view two_messages =
    R"({"entry":[{"id":"1","changes":[{"field":"messages","value":{
"contacts":[{"wa_id":"911","profile":{"name":"Asha"}},{"wa_id":"919876543210","profile":{"name":"Ravi"}}],
"messages":[{"from":"919876543210","id":"wamid.A","timestamp":"1700000001","type":"text","text":{"body":"hi"}},
{"from":"911","id":"wamid.B","timestamp":1700000002,"type":"image","image":{"id":"m1","caption":"look"}}]}}]}]})";

}  // namespace

TEST_CASE("mapping: a body with several messages gives one event each, in order") {
    Mapper mapper(whatsapp_mapping);
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
    Mapper mapper(whatsapp_mapping);
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
    Mapper mapper(whatsapp_mapping);
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
    Mapper mapper(whatsapp_mapping);
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
    Mapper mapper(whatsapp_mapping);
    CHECK(mapper.map("{\"a\":").failures.size() == 1);
    CHECK(mapper.map(Request{.body = "a=b", .content_type = "application/x-www-form-urlencoded"})
              .failures[0]
              .reason == "the mapping does not read form");
    CHECK(mapper.map("").failures.size() == 1);
    CHECK(mapper.map("{}").failures.empty());
}

TEST_CASE("mapping: the id follows the natural key, else the record") {
    Mapper mapper(whatsapp_mapping);
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
