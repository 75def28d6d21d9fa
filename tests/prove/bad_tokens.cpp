#include "tests/prove/bad_tokens.hpp"

#include "bus/crypto/digest.hpp"
#include "bus/text.hpp"

#include <fmt/format.h>

namespace tests::prove {
namespace {

constexpr std::int64_t long_ago_s = 1'000'000'000, far_ahead_s = 4'000'000'000;

std::string claims(const std::string& subject, std::int64_t ends_s) {
    return fmt::format(R"({{"sub":"{}","admin":true,"iss":"tributary","exp":{}}})", subject,
                       ends_s);
}

std::string unsigned_token(const std::string& header, const std::string& payload) {
    return bus::to_base64url(header) + "." + bus::to_base64url(payload);
}

std::string signed_token(const std::string& header, const std::string& payload,
                         const std::string& key) {
    const std::string text = unsigned_token(header, payload);
    return text + "." +
           bus::to_base64url(bus::crypto::hmac(bus::crypto::Hash::sha256, key, {text}));
}

}  // namespace

std::vector<BadToken> bad_tokens(const std::string& admin_key, const std::string& others_key,
                                 const std::string& code) {
    const std::string hs256 = R"({"alg":"HS256","typ":"JWT"})";
    const std::string admin = claims("admin", far_ahead_s), client = claims(code, far_ahead_s);
    std::vector<BadToken> all;
    for (const std::string algorithm : {"none", "None", "NONE", ""}) {
        const std::string header = R"({"alg":")" + algorithm + R"(","typ":"JWT"})";
        all.push_back({"alg '" + algorithm + "'", unsigned_token(header, admin) + "."});
    }
    all.push_back({"no signature", unsigned_token(hs256, admin) + "."});
    all.push_back({"a wrong key", signed_token(hs256, admin, "wrong")});
    all.push_back({"an empty key", signed_token(hs256, admin, "")});
    for (const std::string kid : {"../../../../dev/null", "/dev/null", "admin.key", "' or 1=1"})
        all.push_back(
            {"kid " + kid, signed_token(R"({"alg":"HS256","kid":")" + kid + R"("})", admin, "")});
    all.push_back({"expired, of the admin's key",
                   signed_token(hs256, claims("admin", long_ago_s), admin_key)});
    all.push_back({"of the admin's key", signed_token(hs256, admin, admin_key)});
    all.push_back({"another client's, of its own key", signed_token(hs256, client, others_key)});
    return all;
}

}  // namespace tests::prove
