// What the provider files say about signatures, against requests signed as the providers sign.
#include "producers/verify/verifier.hpp"
#include "schemas/providers/built_in.hpp"
#include "tests/support/signing.hpp"

#include <doctest/doctest.h>

namespace {

using producers::FieldView;
using producers::verify::OpenedSecret;
using producers::verify::Verifier;
using schemas::ProviderKind;
using tests::HeaderList;

const tests::Signing signing{.secret = "whsec_" + bus::to_base64("0123456789abcdef01234567"),
                             .now = bus::Timestamp{bus::seconds{1'767'258'000}}};
constexpr std::string_view body = R"({"id":"evt_1"})";

bool is_let_in(const ProviderKind& kind, const HeaderList& headers, std::string_view received,
               bus::seconds later = bus::seconds{0}) {
    const auto verifier = Verifier::compile(kind.verification);
    REQUIRE(verifier);
    const std::vector<OpenedSecret> secrets{{"sec_1", signing.secret, {}}};
    std::vector<FieldView> fields;
    for (const auto& [name, value] : headers) fields.push_back({name, value});
    return verifier->verify({"POST", "/x", "", fields, received}, secrets, signing.now + later)
        .verified;
}

std::vector<ProviderKind> kinds_that_sign() {
    auto kinds = schemas::built_in_providers();
    REQUIRE(kinds);
    std::erase_if(*kinds, [](const ProviderKind& kind) {
        return tests::signed_headers(kind.verification, signing, body).empty();
    });
    return *std::move(kinds);
}

TEST_CASE("a request signed as its provider file says is let in, a changed one is not") {
    const auto kinds = kinds_that_sign();
    CHECK(kinds.size() >= 5);
    for (const ProviderKind& kind : kinds) {
        CAPTURE(kind.kind);
        const HeaderList headers = tests::signed_headers(kind.verification, signing, body);
        CHECK(is_let_in(kind, headers, body));
        CHECK_FALSE(is_let_in(kind, {}, body));
        const bool covers_body = kind.verification.kind != "basic";
        if (covers_body) CHECK_FALSE(is_let_in(kind, headers, R"({"id":"evt_2"})"));
        const tests::Signing other{.secret = "whsec_" + bus::to_base64("another key, as long!!!!"),
                                   .now = signing.now};
        CHECK_FALSE(is_let_in(kind, tests::signed_headers(kind.verification, other, body), body));
    }
}

TEST_CASE("a signature that tells its time is refused when it is old") {
    std::size_t timed = 0;
    for (const ProviderKind& kind : kinds_that_sign()) {
        if (kind.verification.tolerance_s == 0) continue;
        ++timed;
        CAPTURE(kind.kind);
        const HeaderList headers = tests::signed_headers(kind.verification, signing, body);
        const bus::seconds tolerance{kind.verification.tolerance_s};
        CHECK(is_let_in(kind, headers, body, tolerance));
        CHECK_FALSE(is_let_in(kind, headers, body, tolerance + bus::seconds{1}));
    }
    CHECK(timed == 2);
}

}  // namespace
