#include "tools/demo/request_signer.hpp"

#include "bus/crypto/digest.hpp"
#include "bus/text.hpp"

namespace tools::demo {
namespace {

std::string sign_hmac(const schemas::Verification& scheme, std::string_view secret,
                      std::string_view timestamp, std::string_view body) {
    std::string text = scheme.signed_text;
    const auto put = [&text](std::string_view placeholder, std::string_view value) {
        if (const auto at = text.find(placeholder); at != text.npos)
            text.replace(at, placeholder.size(), value);
    };
    put("{timestamp}", timestamp);
    put("{body}", body);  // last: what it holds is no placeholder
    const auto hash =
        scheme.algorithm == "sha1" ? bus::crypto::Hash::sha1 : bus::crypto::Hash::sha256;
    const std::string mac = bus::crypto::hmac(hash, secret, {text});
    return scheme.encoding == "base64" ? bus::to_base64(mac) : bus::to_hex(mac);
}

std::string sign_standard_webhook(std::string_view secret, std::string_view id,
                                  std::string_view timestamp, std::string_view body) {
    const std::string key =
        bus::from_base64(secret.substr(std::string_view("whsec_").size())).value_or("");
    return "v1," + bus::to_base64(bus::crypto::hmac(bus::crypto::Hash::sha256, key,
                                                    {id, ".", timestamp, ".", body}));
}

}  // namespace

void sign_request(const schemas::Verification& scheme, std::string_view secret, std::string_view id,
                  bus::Timestamp now, bus::net::ClientRequest& request) {
    const std::string timestamp =
        std::to_string(std::chrono::floor<bus::seconds>(now).time_since_epoch().count());
    const auto header = [&request](std::string_view names, std::string value) {
        const std::string_view first = names.substr(0, names.find(','));  // of alternatives
        request.headers.emplace_back(first, std::move(value));
    };
    if (scheme.kind == "hmac") {
        const std::string signature = sign_hmac(scheme, secret, timestamp, request.body);
        header(scheme.header, scheme.key_value_list ? fmt::format("t={},{}={}", timestamp,
                                                                  scheme.signature_name, signature)
                                                    : scheme.prefix + signature);
    } else if (scheme.kind == "standard_webhooks") {
        header("webhook-id", std::string(id));
        header("webhook-timestamp", timestamp);
        header("webhook-signature", sign_standard_webhook(secret, id, timestamp, request.body));
    } else if (scheme.kind == "header") {
        header(scheme.header, scheme.prefix + std::string(secret));
    } else if (scheme.kind == "basic") {
        header("authorization",
               "Basic " + bus::to_base64(fmt::format("{}:{}", scheme.user, secret)));
    } else if (scheme.kind == "query") {
        request.url += request.url.find('?') == request.url.npos ? '?' : '&';
        request.url += scheme.parameter + "=" + bus::percent_encode(secret);
    }
}

}  // namespace tools::demo
