// Whom an operator means, and where a text that no mapping reads names her.
#include "projections/api/customer_text.hpp"
#include "tools/erase/key_texts.hpp"

#include <doctest/doctest.h>

using projections::api::customer_key_of_text;
using tools::erase::KeyTexts;

namespace {

const auto india = schemas::mapping::country("IN");

bool names(std::string_view body) {
    static const KeyTexts priya(
        {"phone:+919876543210", "email:priya@example.com", "whatsapp:US.1349", "external:shop:c_1",
         "external:shop:k\u00fcche\u20ac"},
        {india});
    return priya.found_in(body);
}

}  // namespace

TEST_CASE("erase: letter case and escapes hide nobody") {
    CHECK(names("from=Priya@Example.com"));
    CHECK(names("from=priya%40example.com&x=1"));
    CHECK(names(R"({"from":"priya\u0040example.com"})"));
    CHECK(names(R"({"user":"us.1349"})"));
    CHECK(names(R"({"user":"K\u00fcche\u20ac"})"));
    CHECK_FALSE(names(R"({"from":"priya@example.org"})"));
    CHECK_FALSE(names("c_1 is too short to be looked for"));
}

TEST_CASE("erase: an escape in an escape hides nobody, and what only looks like one neither") {
    for (const std::string_view written :
         {R"({"body":"{\"from\":\"priya\\u0040example.com\"}"})", "from=priya%2540example.com",
          R"(body=%7B%22from%22%3A%22priya%5Cu0040example.com%22%7D)",
          R"({"a":"{\"b\":\"{\\\"c\\\":\\\"priya\\\\u0040example.com\\\"}\"}"})",
          R"({"text":"{\"text\":\"\\npriya@example.com\"}"})", "off by 50%9876543210",
          "priya@exam=\r\nple.com", "call 98765=\n43210"})
        CHECK_MESSAGE(names(written), written);
    CHECK_FALSE(names("from=priya%25252540example.com"));
    CHECK_FALSE(names(R"({"from":"jo\\u002bpriya\\u0040example.com"})"));
}

TEST_CASE("erase: a longer word or address that holds hers is another's") {
    const KeyTexts ann({"external:crm:10234", "email:ann@x.in"}, {india});
    for (const std::string_view hers : {R"({"id":10234})",
                                        "crm_10234",
                                        "id=10234&x=1",
                                        R"({"note":"of:\n10234\tpaid"})",
                                        "<ann@x.in>",
                                        "mail ann@x.in.",
                                        "ann@x.in.\r\n",
                                        R"({"to":"Ann\nann@x.in\r\n"})",
                                        R"({"to":"\u201cann@x.in\u201d"})",
                                        R"("{\"to\":\"ann@x.in\"}")",
                                        "text=write+to+ann%40x.in+now",
                                        "joann@x.in, ann@x.in",
                                        "Email id:-ann@x.in",
                                        "_ann@x.in_",
                                        "mail...ann@x.in",
                                        "ann@x.in- call",
                                        "Email:=C2=A0ann@x.in",
                                        "?email=3Dann@x.in",
                                        "=3Cann@x.in=3E",
                                        "email=ann%40x.in"})
        CHECK_MESSAGE(ann.found_in(hers), hers);
    for (const std::string_view anothers :
         {"1710234000", "a10234", "10234b", "joann@x.in", "jo.ann@x.in", "jo+ann@x.in",
          "jo%2Bann%40x.in", R"({"to":"jo+ann@x.in","url":"/%40"})", "ann@x.inc",
          "ann@x.in.example", "ann@x.in-house.example", R"({"to":"jo\u0061nn@x.in"})"})
        CHECK_FALSE_MESSAGE(ann.found_in(anothers), anothers);
}

TEST_CASE("erase: an external id is what stands behind its system, colons of its own included") {
    const KeyTexts of_crm({"external:crm:urn:10234"}, {});
    CHECK(of_crm.found_in(R"({"id":"urn:10234"})"));
    CHECK_FALSE(of_crm.found_in(R"({"id":"10234"})"));
}

TEST_CASE("erase: a phone number is found however it is grouped, with and without its country") {
    for (const std::string_view written :
         {"+919876543210", "919876543210", "09876543210", "98765 43210", "98765-43210",
          "(0) 98765.43210", "+91 (0)98765 43210", "caller=+91+98765+43210", "0091 98765 43210",
          "call 98765 43210 2 times", "at 10 98765 43210"})
        CHECK_MESSAGE(names(written), written);
    CHECK(names(R"({"text":"\u09479876543210\n1"})"));
    CHECK_FALSE(names("98765 43211"));
    CHECK_FALSE(names("order 19876543210 of 98765432101"));
    CHECK_FALSE(names(R"({"id":98765,"count":43210})"));
    const KeyTexts abroad({"phone:+6581234567"}, {india});
    CHECK(abroad.found_in("65-8123-4567"));
    CHECK_FALSE(abroad.found_in("8123-4567"));  // of whatever country
    const KeyTexts in_both({"phone:+6581234567"}, {{}, india, schemas::mapping::country("SG")});
    CHECK(in_both.found_in("8123-4567"));
    const KeyTexts danish({"phone:+4520260301"}, {schemas::mapping::country("DK")});
    CHECK(danish.found_in("20 26 03 01"));
    CHECK_FALSE(danish.found_in("2026-03-01T10:00:00Z"));
}

TEST_CASE("erase: a customer is known by a key in any spelling") {
    for (const std::string_view text : {"phone:9876543210", "phone: 098765 43210", "9876543210",
                                        "whatsapp:919876543210", "whatsapp:+919876543210"})
        CHECK_MESSAGE(customer_key_of_text(text, "IN") == "phone:+919876543210", text);
    CHECK(customer_key_of_text("email:Priya@X.com", "IN") == "email:priya@x.com");
    CHECK(customer_key_of_text("whatsapp:US.1349", "IN") == "whatsapp:US.1349");
    CHECK(customer_key_of_text("external:shop:Cus_1", "IN") == "external:shop:Cus_1");
    CHECK(customer_key_of_text("1234", "IN") == "phone:1234");
}
