// How large a mapping may be, and how much work a body may make of it.
#include "tests/unit/schemas_mapping_support.hpp"

#include "schemas/mapping/run.hpp"

#include <algorithm>

using namespace schemas;
using namespace schemas::testing;

namespace {

std::string list_of(std::size_t count, std::string_view item) {
    std::string out = "[";
    for (std::size_t i = 0; i < count; ++i) out += fmt::format("{}{}", i ? "," : "", item);
    return out + "]";
}

}  // namespace

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
