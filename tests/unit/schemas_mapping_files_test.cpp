// What a mapping file may say, and what is bound to it.
#include "tests/unit/schemas_mapping_support.hpp"

#include "schemas/lint.hpp"

using namespace schemas;
using namespace schemas::testing;

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
    CHECK(lint(whatsapp_mapping, "w.yaml"));
    CHECK(lint("mapping: m\n", "w.yaml").error().message ==
          "w.yaml:1:1: 'channel: <topic>' is missing");
}
