#include "bus/crypto/digest.hpp"
#include "bus/text.hpp"
#include "producers/verify/signature_list.hpp"
#include "producers/verify/verifier.hpp"

#include <doctest/doctest.h>

using producers::FieldView;
using producers::RequestView;
using producers::verify::OpenedSecret;
using producers::verify::Verdict;
using producers::verify::Verifier;
using schemas::Verification;

namespace {

const bus::Timestamp now{bus::seconds{1'700'000'000}};

Verifier compile(const Verification& verification) {
    auto verifier = Verifier::compile(verification);
    REQUIRE(verifier);
    return *std::move(verifier);
}

Verdict check(const Verification& verification, std::vector<FieldView> fields,
              std::string_view query, std::vector<OpenedSecret> secrets,
              std::string_view body = "{}") {
    static std::vector<OpenedSecret> kept;  // the verdict names one of them
    kept = std::move(secrets);
    return compile(verification).verify({"POST", "/x", query, fields, body}, kept, now);
}

Verification of_kind(std::string kind) {
    Verification v;
    v.kind = std::move(kind);
    return v;
}

std::string standard_signature(std::string_view key, std::string_view id, std::string_view time,
                               std::string_view body) {
    return "v1," + bus::to_base64(bus::crypto::hmac(bus::crypto::Hash::sha256, key,
                                                    {id, ".", time, ".", body}));
}

}  // namespace

TEST_CASE("verify: Standard Webhooks takes any v1 signature in time, under both header names") {
    const std::string key = "0123456789abcdef01234567";
    const std::vector<OpenedSecret> secrets{{"sec_1", "whsec_" + bus::to_base64(key), {}}};
    const auto scheme = of_kind("standard_webhooks");
    const std::string good = standard_signature(key, "msg_1", "1700000000", "{}");
    for (std::string prefix : {"webhook", "svix"}) {
        const std::string id = prefix + "-id", time = prefix + "-timestamp",
                          signature = prefix + "-signature";
        CHECK(check(scheme, {{id, "msg_1"}, {time, "1700000000"}, {signature, good}}, "", secrets)
                  .secret_id == "sec_1");
        CHECK(check(scheme,
                    {{id, "msg_1"}, {time, "1700000000"}, {signature, "v1a,xx v1,AAAA " + good}},
                    "", secrets)
                  .verified);
        CHECK(!check(scheme, {{id, "msg_2"}, {time, "1700000000"}, {signature, good}}, "", secrets)
                   .verified);
        CHECK(!check(scheme, {{time, "1700000000"}, {signature, good}}, "", secrets).verified);
    }
    for (std::string_view time : {"1699999699", "1700000301", "", "soon"}) {
        const std::string made = standard_signature(key, "msg_1", time, "{}");
        CHECK(!check(scheme,
                     {{"webhook-id", "msg_1"},
                      {"webhook-timestamp", time},
                      {"webhook-signature", made}},
                     "", secrets)
                   .verified);
    }
    const std::string asymmetric = "v1a," + good.substr(3);
    CHECK(!check(scheme,
                 {{"webhook-id", "msg_1"},
                  {"webhook-timestamp", "1700000000"},
                  {"webhook-signature", asymmetric}},
                 "", secrets)
               .verified);
}

TEST_CASE("verify: header, query and basic compare the whole credential") {
    const std::vector<OpenedSecret> secrets{{"sec_old", "before", {}}, {"sec_new", "s3cret", {}}};
    auto header = of_kind("header");
    header.header = "X-Token";
    CHECK(check(header, {{"x-token", "s3cret"}}, "", secrets).secret_id == "sec_new");
    CHECK(check(header, {{"X-TOKEN", "before"}}, "", secrets).secret_id == "sec_old");
    for (std::string_view wrong : {"", "s3cre", "s3cret ", "S3CRET"})
        CHECK(!check(header, {{"x-token", wrong}}, "", secrets).verified);
    header.prefix = "Bearer ";
    CHECK(check(header, {{"x-token", "Bearer s3cret"}}, "", secrets).verified);
    CHECK(!check(header, {{"x-token", "s3cret"}}, "", secrets).verified);

    auto query = of_kind("query");
    query.parameter = "key";
    CHECK(check(query, {}, "a=1&key=s3cret", secrets).verified);
    CHECK(check(query, {}, "key=%733cret", secrets).verified);
    CHECK(!check(query, {}, "a=s3cret", secrets).verified);

    auto basic = of_kind("basic");
    basic.user = "me";
    const std::string good = "Basic " + bus::to_base64("me:s3cret");
    CHECK(check(basic, {{"Authorization", good}}, "", secrets).verified);
    CHECK(check(basic, {{"authorization", "bAsIc " + good.substr(6)}}, "", secrets).verified);
    CHECK(!check(basic, {{"Authorization", "Basic " + bus::to_base64("you:s3cret")}}, "", secrets)
               .verified);
    CHECK(!check(basic, {{"Authorization", "Bearer s3cret"}}, "", secrets).verified);
}

TEST_CASE("verify: an old secret works until its rotation ends, no secret never does") {
    auto header = of_kind("header");
    header.header = "x-token";
    const OpenedSecret current{"sec_1", "old", now};
    const OpenedSecret ended{"sec_1", "old", now - bus::seconds{1}};
    CHECK(check(header, {{"x-token", "old"}}, "", {current}).verified);
    CHECK(!check(header, {{"x-token", "old"}}, "", {ended}).verified);
    CHECK(!check(header, {{"x-token", "old"}}, "", {}).verified);
    CHECK(!check(header, {{"x-token", ""}}, "", {{"sec_2", "", {}}}).verified);
    CHECK(check(of_kind("none"), {}, "", {}).verified);
    CHECK(!check(of_kind("api_key"), {}, "", {}).verified);
}

TEST_CASE("verify: a scheme that cannot be checked does not compile") {
    CHECK(!Verifier::compile(of_kind("magic")));
    CHECK(!Verifier::compile(of_kind("")));
    CHECK(!Verifier::compile(of_kind("header")));
    CHECK(!Verifier::compile(of_kind("hmac")));
    const auto with = [](auto change) {
        auto v = of_kind("hmac");
        v.header = "x-signature";
        change(v);
        return Verifier::compile(v).has_value();
    };
    CHECK(with([](Verification&) {}));
    CHECK(!with([](Verification& v) { v.algorithm = "md5"; }));
    CHECK(!with([](Verification& v) { v.encoding = "base32"; }));
    CHECK(!with([](Verification& v) { v.timestamp_unit = "days"; }));
    CHECK(!with([](Verification& v) { v.signed_text = "{timestamp}"; }));
    CHECK(!with([](Verification& v) { v.signed_text = "{url}{body}"; }));
    CHECK(!with([](Verification& v) { v.signed_text = "{body"; }));
}

TEST_CASE("verify: a signature list leaves downgraded versions out and is bounded") {
    using producers::verify::parse_key_value_list;
    const auto list = parse_key_value_list("t=1, v0=aa,v1=bb , v1=cc,junk,t=2", "v1");
    CHECK(list.timestamp == "1");
    REQUIRE(list.count == 2);
    CHECK(list.signatures[1] == "cc");
    std::string many = "t=1";
    for (int i = 0; i < 100; ++i) many += ",v1=aa";
    CHECK(parse_key_value_list(many, "v1").count == 16);
    CHECK(parse_key_value_list("", "v1").count == 0);
}
