// JSON web tokens as an attacker makes them. The product reads none: each is an unknown key.
#pragma once

#include <string>
#include <vector>

namespace tests::prove {

struct BadToken {
    std::string name, token;  // "alg none", "eyJ..."
};

// Those that claim to be the admin or `code`; some are signed with what an attacker may not have,
// the admin's key or another client's, and have only ended or belong elsewhere.
std::vector<BadToken> bad_tokens(const std::string& admin_key, const std::string& others_key,
                                 const std::string& code);

}  // namespace tests::prove
