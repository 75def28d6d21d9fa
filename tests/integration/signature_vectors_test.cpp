// Published and recorded signatures of real providers, each scheme given as data. The folder is
// named by TRIBUTARY_FIXTURES; without it this test reports itself skipped.
#include "producers/verify/verifier.hpp"
#include "schemas/json/json.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

namespace {

using producers::FieldView;
using schemas::Verification;
using schemas::json::Value;

Verification hmac(std::string header, std::string prefix = "", std::string encoding = "hex") {
    Verification v;
    v.kind = "hmac";
    v.header = std::move(header);
    v.prefix = std::move(prefix);
    v.encoding = std::move(encoding);
    return v;
}

Verification timed(Verification v, std::string text, std::string unit, std::int64_t tolerance_s) {
    v.signed_text = std::move(text);
    v.timestamp_unit = std::move(unit);
    v.tolerance_s = tolerance_s;
    return v;
}

Verification list(Verification v, std::string signature_name) {
    v.key_value_list = true;
    v.signature_name = std::move(signature_name);
    return v;
}

Verification with_timestamp_header(Verification v, std::string name) {
    v.timestamp_header = std::move(name);
    return v;
}

// Fixture file -> scheme.
const std::map<std::string, Verification>& schemes() {
    static const std::map<std::string, Verification> all = [] {
        std::map<std::string, Verification> m;
        Verification meta, basic;
        meta.kind = "meta";
        basic.kind = "basic";
        m["chat/whatsapp-cloud"] = meta;
        m["chat/interakt"] = hmac("Interakt-Signature, X-Interakt-Signature", "sha256=");
        m["chat/slack"] = with_timestamp_header(
            timed(hmac("X-Slack-Signature", "v0="), "v0:{timestamp}:{body}", "s", 300),
            "X-Slack-Request-Timestamp");
        m["billing/stripe"] =
            list(timed(hmac("Stripe-Signature"), "{timestamp}.{body}", "s", 300), "v1");
        m["billing/recurly"] =
            list(timed(hmac("recurly-signature"), "{timestamp}.{body}", "ms", 300), "");
        m["billing/razorpay"] = hmac("X-Razorpay-Signature");
        m["billing/shopify"] = hmac("X-Shopify-Hmac-SHA256", "", "base64");
        m["billing/chargebee"] = basic;
        m["identity/workos"] =
            list(timed(hmac("WorkOS-Signature"), "{timestamp}.{body}", "ms", 180), "v1");
        m["scheduling/calendly"] =
            list(timed(hmac("Calendly-Webhook-Signature"), "{timestamp}.{body}", "s", 180), "v1");
        m["ticketing/zendesk"] = with_timestamp_header(
            timed(hmac("X-Zendesk-Webhook-Signature", "", "base64"), "{timestamp}{body}", "iso", 0),
            "X-Zendesk-Webhook-Signature-Timestamp");
        Verification intercom = hmac("X-Hub-Signature", "sha1=");
        intercom.algorithm = "sha1";
        m["ticketing/intercom"] = intercom;
        return m;
    }();
    return all;
}

std::string read(const std::string& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
}

bus::Timestamp now_of(Value vector) {
    if (auto ms = vector["now_ms"].integer()) return bus::Timestamp{bus::milliseconds{*ms}};
    return bus::Timestamp{bus::seconds{vector["now"].integer().value_or(1'700'000'000)}};
}

// False when the vector is not a signed request (a handshake, a checkout signature).
bool check_vector(const Verification& scheme, Value vector) {
    if (!vector["headers"]) return false;
    std::vector<FieldView> fields;
    vector["headers"].each_member([&](std::string_view name, Value value) {
        fields.push_back({name, value.text()});
    });
    std::string secret(vector["secret"].text());
    Verification with_user = scheme;
    if (scheme.kind == "basic") {
        with_user.user = vector["username"].text();
        secret = vector["password"].text();
    }
    const auto verifier = producers::verify::Verifier::compile(with_user);
    REQUIRE(verifier);
    const std::vector<producers::verify::OpenedSecret> secrets{
        {"sec_other", "some older secret", {}}, {"sec_right", secret, {}}};
    const auto verdict = verifier->verify({"POST", "/x", "", fields, vector["body"].text()},
                                          secrets, now_of(vector));
    CHECK(verdict.verified == *vector["valid"].boolean());
    if (verdict.verified) CHECK(verdict.secret_id == "sec_right");

    std::string changed(vector["body"].text());
    if (scheme.kind != "basic") {
        changed += ' ';
        CHECK(!verifier->verify({"POST", "/x", "", fields, changed}, secrets, now_of(vector))
                   .verified);
    }
    return true;
}

}  // namespace

TEST_CASE("verify: the recorded and published signatures of real providers") {
    const char* folder = std::getenv("TRIBUTARY_FIXTURES");
    if (!folder) {
        MESSAGE("skipped: TRIBUTARY_FIXTURES is not set");
        return;
    }
    schemas::json::Parser parser;
    for (const auto& entry : schemes()) {
        const auto& provider = entry.first;
        const auto& scheme = entry.second;
        CAPTURE(provider);
        const std::string text =
            read(std::string(folder) + "/" + provider + "/signature-vectors.json");
        auto document = parser.parse(text);
        REQUIRE(document);
        int checked = 0;
        (*document)["vectors"].each_element(
            [&](Value vector) { checked += check_vector(scheme, vector) ? 1 : 0; });
        CHECK(checked > 0);
    }
}
