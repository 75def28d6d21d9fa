#include "schemas/json/json.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace schemas::json;

namespace {

std::string written(auto write) {
    std::string out;
    Writer writer(out);
    write(writer);
    return out;
}

std::string refusal(std::string_view text, const Limits& limits = {}) {
    Parser parser;
    const auto root = parser.parse(text, limits);
    return root ? "parsed" : root.error().message;
}

std::string nested(std::size_t depth) {
    return std::string(depth, '[') + "1" + std::string(depth, ']');
}

std::string keys(std::size_t count) {
    std::string out = "{";
    for (std::size_t i = 0; i < count; ++i) out += fmt::format("{}\"{}\":0", i ? "," : "", i);
    return out + "}";
}

}  // namespace

TEST_CASE("json: what is not exactly one JSON value is refused") {
    for (std::string_view text :
         {"", " ", "{", "[1,]", "{\"a\":1}x", "tru", "01", "1 2", "'a'", "{\"a\" 1}", "nul",
          "\"a\nb\"", "\"\xff\"", "\"\xed\xa0\x80\"", "{\"a\":1,}", "[1}", "1e400", "\"\\x\""}) {
        CAPTURE(text);
        CHECK(refusal(text) != "parsed");
    }
    CHECK(refusal(std::string_view("1\0", 2)) != "parsed");
    CHECK(refusal(std::string_view("\"a\0b\"", 5)) != "parsed");
}

TEST_CASE("json: depth, keys and size are bounded, at the bound it is taken") {
    CHECK(refusal(nested(64)) == "parsed");
    CHECK(refusal(nested(65)) == "JSON is nested deeper than 64");
    CHECK(refusal(keys(10'000)) == "parsed");
    CHECK(refusal(keys(10'001)) == "JSON has more than 10000 keys");
    CHECK(refusal("[1,2,3]", {.bytes_max = 7}) == "parsed");
    CHECK(refusal("[1,2,3,4]", {.bytes_max = 7}) == "JSON of 9 bytes, at most 7");
}

TEST_CASE("json: a parser whose limits change keeps to the new ones") {
    Parser parser;
    CHECK(parser.parse(nested(3), {.depth_max = 3}));
    CHECK_FALSE(parser.parse(nested(3), {.depth_max = 2}));
    CHECK(parser.parse(nested(60)));
}

TEST_CASE("json: a look-up that leads nowhere is absent, whatever it starts from") {
    Parser parser;
    const Value root = *parser.parse(R"({"a":[1,{"b":null}],"t":"x"})");
    CHECK(root["a"].at(1)["b"].kind() == Kind::null);
    CHECK_FALSE(root["none"]["deeper"].at(3)["x"]);
    CHECK_FALSE(root["a"]["b"]);
    CHECK_FALSE(root["a"].at(2));
    CHECK_FALSE(root["t"].at(0));
    CHECK((*parser.parse(R"({"":1})"))[std::string_view{}].integer() == 1);
    CHECK(Value{}.kind() == Kind::absent);
    CHECK(Value{}.text() == "");
    CHECK(Value{}.size() == 0);
}

TEST_CASE("json: what is written is written the same once it was read back") {
    Parser parser, again;
    for (const std::string text : {"-0.0", "[-0.0,0.0,-0]", "1e3", "1.0", "-1.5e-7", "1e300"}) {
        CAPTURE(text);
        std::string written, rewritten;
        parser.parse(text)->append_to(written);
        again.parse(written)->append_to(rewritten);
        CHECK(rewritten == written);
    }
}

TEST_CASE("json: values keep their kind, numbers their exact size") {
    Parser parser;
    const Value root = *parser.parse(
        R"([9223372036854775807,18446744073709551615,1.5,true,"t",null,{},[],-3,1e3])");
    CHECK(root.at(0).integer() == std::numeric_limits<std::int64_t>::max());
    CHECK(root.at(1).kind() == Kind::integer);
    CHECK_FALSE(root.at(1).integer());
    CHECK(root.at(1).scalar_text() == "18446744073709551615");
    CHECK_FALSE(root.at(2).integer());
    CHECK(root.at(2).number() == 1.5);
    CHECK(root.at(8).number() == -3.0);
    CHECK(root.at(3).boolean() == true);
    CHECK(root.at(3).scalar_text() == "true");
    CHECK(root.at(4).text() == "t");
    CHECK(root.at(5).scalar_text() == "");
    CHECK(root.at(6).kind() == Kind::object);
    CHECK(root.at(7).kind() == Kind::array);
    CHECK(root.at(9).kind() == Kind::decimal);
    CHECK(root.size() == 10);
}

TEST_CASE("json: of two members with one name the first counts") {
    Parser parser;
    const Value root = *parser.parse(R"({"a":1,"a":2})");
    CHECK(root["a"].integer() == 1);
    CHECK(root.size() == 2);
}

TEST_CASE("json: a node is written as compact JSON") {
    Parser parser;
    const auto compact = [&parser](std::string_view text) {
        std::string out;
        parser.parse(text)->append_to(out);
        return out;
    };
    CHECK(compact(" { \"a\" : [ 1 , -2.5 , \"x\\u0041\\n\" ] , \"b\" : { } , \"c\" : [ ] } ") ==
          R"({"a":[1,-2.5,"xA\n"],"b":{},"c":[]})");
    CHECK(compact("[true,false,null]") == "[true,false,null]");
}

TEST_CASE("json: a padded text is parsed where it stands") {
    std::string text = R"({"a":"b"})";
    const std::size_t size = text.size();
    text.append(64, 'x');
    Parser parser;
    CHECK((*parser.parse({text.data(), size}, {}, true))["a"].text() == "b");
}

TEST_CASE("json: the writer sets commas and nesting") {
    CHECK(written([](Writer& w) {
              w.begin_object().member("a", std::int64_t{1}).key("b").begin_array();
              w.text("x").null().boolean(true).begin_object().end_object().decimal(2.5);
              w.end_array().key("c").raw("[1]").key("d").unsigned_integer(~0ull).end_object();
          }) == R"({"a":1,"b":["x",null,true,{},2.5],"c":[1],"d":18446744073709551615})");
    CHECK(written([](Writer& w) { w.begin_array().end_array(); }) == "[]");
    CHECK(written([](Writer& w) { w.time(bus::Timestamp{bus::seconds{0}}); }) ==
          "\"1970-01-01T00:00:00Z\"");
    CHECK(written([](Writer& w) { w.decimal(std::numeric_limits<double>::infinity()); }) == "null");
}

TEST_CASE("json: texts are escaped and bytes that are no UTF-8 replaced") {
    const auto escaped = [](std::string_view text) {
        std::string out;
        append_escaped(out, text);
        return out;
    };
    CHECK(escaped("a\"b\\c\n\t\r\b\f") == R"("a\"b\\c\n\t\r\b\f")");
    CHECK(escaped(std::string_view("\0\x1f", 2)) == R"("\u0000\u001f")");
    CHECK(escaped("नमस्ते ₹") == "\"नमस्ते ₹\"");
    CHECK(escaped("a\xff\"b") == "\"a\xEF\xBF\xBD\\\"b\"");
    CHECK(escaped("\xe2\x82") == "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
    CHECK(escaped("\xed\xa0\x80") == "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
    CHECK(escaped("\xc0\xaf\xf4\x90\x80\x80").find('\xc0') == std::string::npos);
}
