// Requests that are nearly what a provider would sign.
#pragma once

#include "tests/support/signing.hpp"

#include <random>
#include <string>
#include <string_view>

namespace tests::prove {

// What one way to forge signs with: who checks must know it, and hold it to have ended.
inline constexpr std::string_view ended_secret = "an:older secret";

// `words` as a secret of that scheme is written.
std::string secret_of(const schemas::Verification& verification, std::string_view words);

struct SignedRequest {
    HeaderList headers;
    std::string body;
    std::string query = {};
    bus::Timestamp received{};
};

struct Forgery {
    std::string name;  // "cut", "other secret", ...
    SignedRequest request;
};

// As the provider signs it, at `signing.now`.
SignedRequest honest_request(const schemas::Verification& verification, const Signing& signing);

// Where that request holds what proves it: a header, or the query.
std::string& proof_of(const schemas::Verification& verification, SignedRequest& request);

// One of all the ways to go wrong, at random; it differs from the honest one in what is proved.
Forgery forge(const schemas::Verification& verification, const Signing& signing,
              std::mt19937_64& random);

}  // namespace tests::prove
