#include "schemas/mapping/country.hpp"
#include "schemas/mapping/scalars.hpp"
#include "schemas/vocabulary.hpp"
#include "schemas/yaml/yaml.hpp"

#include <doctest/doctest.h>

using namespace schemas;
using namespace schemas::mapping;

TEST_CASE("phone: what providers write becomes E.164, what is none stays none") {
    struct Row {
        std::string_view country;
        std::string_view text;
        std::string_view expected;
    };
    const Row rows[] = {
        {"IN", "9876543210", "+919876543210"},
        {"IN", "09876543210", "+919876543210"},
        {"IN", "919876543210", "+919876543210"},
        {"IN", "+919876543210", "+919876543210"},
        {"IN", "0919876543210", "+919876543210"},
        {"IN", "00919876543210", "+919876543210"},
        {"IN", "+91 098765-43210", "+919876543210"},
        {"IN", "\"09876543210\"", "+919876543210"},
        {"IN", "(098765) 43210", "+919876543210"},
        {"IN", "tel:+91-98765-43210", "+919876543210"},
        {"IN", "whatsapp:+919876543210", "+919876543210"},
        {"IN", "9198765432", "+919198765432"},  // a national number that begins like the code
        {"IN", "9876543210-9876543211", "+919876543210"},
        {"IN", "9876543210, 9876543211", "+919876543210"},
        {"IN", "14155550123", "+14155550123"},
        {"IN", "08047112233", "+918047112233"},
        {"IN", "12345", ""},
        {"IN", "anonymous", ""},
        {"IN", "", ""},
        {"IN", "+", ""},
        {"IN", "00", ""},
        {"IN", "0", ""},
        {"IN", "98765x3210", ""},
        {"IN", "+0123456789", ""},
        {"IN", "1234567890123456", ""},
        {"", "919876543210", "+919876543210"},
        {"", "09876543210", ""},
        {"", "5678", ""},
        {"none", "447911123456", "+447911123456"},
        {"US", "(415) 555-0123", "+14155550123"},
        {"US", "1 415 555 0123", "+14155550123"},
        {"GB", "07911 123456", "+447911123456"},
        {"gb", "+44 (0)7911 123456", "+447911123456"},
        {"SG", "91234567", "+6591234567"},
        {"AE", "0501234567", "+971501234567"},
        {"ZZ", "919876543210", "+919876543210"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.country);
        CAPTURE(row.text);
        const auto phone = read_phone(row.text, country(row.country));
        CHECK((phone ? phone->text() : "") == row.expected);
    }
}

TEST_CASE("phone: reading what was read changes nothing") {
    const auto india = country("IN");
    const auto once = read_phone("098765 43210", india);
    REQUIRE(once);
    CHECK(read_phone(once->text(), india)->text() == once->text());
    CHECK(read_phone(once->text(), country("US"))->text() == once->text());
}

TEST_CASE("money: amounts become minor units of their currency") {
    const auto none = std::optional<std::int64_t>{};
    CHECK(read_money("10", "INR") == 1000);
    CHECK(read_money("10.1", "INR") == 1010);
    CHECK(read_money("1,234.50", "USD") == 123450);
    CHECK(read_money("1,00,000", "INR") == 10'000'000);
    CHECK(read_money("₹ 99", "INR") == 9900);
    CHECK(read_money("$0.105", "usd") == 11);
    CHECK(read_money("-0.105", "USD") == -11);
    CHECK(read_money("0.104", "USD") == 10);
    CHECK(read_money("500", "JPY") == 500);
    CHECK(read_money("1.2345", "KWD") == 1235);
    CHECK(read_money("1.5", "") == 150);
    CHECK(read_money(".5", "USD") == 50);
    for (auto text :
         {"", "abc", "1,5", "1.234,50", "1.2.3", "-", ".", "99999999999999999999", "1e5"}) {
        CAPTURE(text);
        CHECK(read_money(text, "USD") == none);
    }
}

TEST_CASE("words: durations, whole numbers, truth values and addresses") {
    CHECK(read_seconds("12") == 12);
    CHECK(read_seconds(" 12.7 ") == 12);
    CHECK(read_seconds("00:00:12") == 12);
    CHECK(read_seconds("1:02:03") == 3723);
    CHECK(read_seconds("90:05") == 5405);
    for (auto text : {"", "-1", "1:2:3", "1:60", "a", ":", "1:", "1:02:03:04"}) {
        CAPTURE(text);
        CHECK_FALSE(read_seconds(text));
    }
    CHECK(read_integer("-3") == -3);
    CHECK(read_integer("12.00") == 12);
    CHECK_FALSE(read_integer("12.5"));
    CHECK_FALSE(read_integer("9223372036854775808"));
    CHECK(read_boolean("Yes") == true);
    CHECK(read_boolean("0") == false);
    CHECK_FALSE(read_boolean("2"));
    CHECK(read_email("\"A, B\" <A.B@X.in>") == "a.b@x.in");
    for (auto text : {"", "a", "@x", "a@", "a@b@c", "a b@c", "<a@b", "a@b, c@d"}) {
        CAPTURE(text);
        CHECK_FALSE(read_email(text));
    }
}

TEST_CASE("vocabulary: every name leads back to itself") {
    CHECK(parse_field("customer_phone") == Field::customer_phone);
    CHECK(name(Field::object_version) == "object_version");
    CHECK(kind_of(Field::started_at) == FieldKind::time);
    CHECK_FALSE(parse_field("colour"));
#define X(identifier, kind) CHECK(parse_field(#identifier) == Field::identifier);
    SCHEMAS_FIELDS(X)
#undef X
#define X(identifier, text)                                 \
    CHECK(parse_event_type(text) == EventType::identifier); \
    CHECK(name(EventType::identifier) == text);
    SCHEMAS_EVENT_TYPES(X)
#undef X
    CHECK(parse_event_type("") == EventType::other);
    CHECK(parse_event_type("order.paid") == EventType::other);
    CHECK(name(EventType::other) == "");
}

TEST_CASE("yaml: nodes know their place, keys are unique, merges fill up") {
    const auto root = yaml::parse("a: 1\nb:\n  - x\n  - 'y'\nc: ~\n", "f");
    REQUIRE(root);
    CHECK(root->find("b")->items[1].mark.line == 4);
    CHECK(root->find("b")->items[1].mark.column == 5);
    CHECK(root->find("b")->items[1].quoted);
    CHECK_FALSE(root->find("b")->items[0].quoted);
    CHECK(root->find("c")->is_null());
    CHECK(yaml::parse("a: 1\na: 2\n", "f").error().message == "f:2:1: 'a' is given twice");
    const auto merged = yaml::parse("x: &x {p: 1, q: 2}\ny: {<<: *x, q: 3}\n", "f");
    REQUIRE(merged);
    CHECK(merged->find("y")->find("p")->text == "1");
    CHECK(merged->find("y")->find("q")->text == "3");
    CHECK(yaml::parse_all("a: 1\n---\nb: 2\n", "f")->size() == 2);
    CHECK_FALSE(yaml::parse("a: 1\n---\nb: 2\n", "f"));
}

TEST_CASE("yaml: a file cannot grow or nest without bound") {
    std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
    for (int i = 1; i < 8; ++i) {
        bomb += fmt::format("a{}: &a{} [", i, i);
        for (int k = 0; k < 10; ++k) bomb += fmt::format("{}*a{}", k ? "," : "", i - 1);
        bomb += "]\n";
    }
    CHECK_FALSE(yaml::parse(bomb, "f"));
    std::string texts = fmt::format("- &a {}\n", std::string(100'000, 'x'));
    for (int i = 0; i < 10; ++i) texts += "- *a\n";
    CHECK_FALSE(yaml::parse(texts, "f"));
    CHECK_FALSE(yaml::parse(std::string(100'000, '['), "f"));
    CHECK_FALSE(yaml::parse(",a: b\n", "f"));
    CHECK_FALSE(yaml::parse_all("a: {b: {c: d}e: f}\n", "f"));
    CHECK_FALSE(yaml::parse("a: &a [*a]\n", "f"));
    std::string dashes;
    for (int i = 0; i < 50'000; ++i) dashes += "- ";
    CHECK_FALSE(yaml::parse(dashes, "f"));
}
