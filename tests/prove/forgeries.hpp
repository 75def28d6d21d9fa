// Requests that are nearly what a provider would sign.
#pragma once

#include "tests/support/signing.hpp"

#include <random>
#include <string>

namespace tests::prove {

struct SignedRequest {
    HeaderList headers;
    std::string body;
    bus::Timestamp received{};
};

struct Forgery {
    std::string name;  // "cut", "other secret", ...
    SignedRequest request;
};

// As the provider signs it, at `signing.now`.
SignedRequest honest_request(const schemas::Verification& verification, const Signing& signing);

// One of all the ways to go wrong, at random; it differs from the honest one in what is proved.
Forgery forge(const schemas::Verification& verification, const Signing& signing,
              std::mt19937_64& random);

}  // namespace tests::prove
