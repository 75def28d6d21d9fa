// How a mapping finds a value in a request and makes a field of it.
#include "tests/unit/schemas_mapping_support.hpp"

using namespace schemas;
using namespace schemas::testing;

namespace {

void check_field(std::string_view field, std::string_view spec, std::string_view body,
                 std::string_view expected, const SourceSettings& settings = {}) {
    CAPTURE(spec);
    CAPTURE(body);
    Mapper mapper(one_field(field, spec), settings);
    CHECK(show(mapper.map(body)) == fmt::format("a.b{}\n", expected));
}

}  // namespace

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
