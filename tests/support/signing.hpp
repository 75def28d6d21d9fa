// Signs requests as a verification wants them (schemas/registry.hpp), written apart from the code
// that checks them.
#pragma once

#include "bus/crypto/digest.hpp"
#include "bus/text.hpp"
#include "schemas/registry.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tests {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

struct Signing {
    std::string secret;  // of Standard Webhooks with its "whsec_"
    bus::Timestamp now;
    std::string id = "msg_1";  // for schemes that sign one
};

inline std::int64_t unix_s(bus::Timestamp time) {
    return std::chrono::duration_cast<bus::seconds>(time.time_since_epoch()).count();
}

inline std::string written_time(std::string_view unit, bus::Timestamp time) {
    if (unit == "iso") return bus::to_iso(time);
    return std::to_string(unix_s(time)) + (unit == "ms" ? "000" : "");
}

inline void fill(std::string& text, std::string_view name, std::string_view value) {
    if (const auto at = text.find(name); at != text.npos) text.replace(at, name.size(), value);
}

inline std::string first_word(std::string_view list) {
    return std::string(bus::trim(list.substr(0, list.find(','))));
}

inline HeaderList hmac_headers(const schemas::Verification& v, const Signing& signing,
                               std::string_view body) {
    const std::string time = written_time(v.timestamp_unit, signing.now);
    std::string text = v.signed_text;
    fill(text, "{timestamp}", time);
    fill(text, "{id}", signing.id);
    fill(text, "{body}", body);
    const auto hash = v.algorithm == "sha1" ? bus::crypto::Hash::sha1 : bus::crypto::Hash::sha256;
    const std::string mac = bus::crypto::hmac(hash, signing.secret, {text});
    std::string signature =
        v.prefix + (v.encoding == "base64" ? bus::to_base64(mac) : bus::to_hex(mac));
    if (v.key_value_list) signature = "t=" + time + "," + v.signature_name + "=" + signature;
    HeaderList headers{{first_word(v.header), signature}};
    if (!v.timestamp_header.empty()) headers.emplace_back(v.timestamp_header, time);
    if (!v.id_header.empty()) headers.emplace_back(v.id_header, signing.id);
    return headers;
}

inline HeaderList standard_webhooks_headers(const Signing& signing, std::string_view body) {
    constexpr std::string_view mark = "whsec_";
    std::string_view secret = signing.secret;
    if (secret.starts_with(mark)) secret.remove_prefix(mark.size());
    const std::string key = bus::from_base64(secret).value_or("");
    const std::string time = written_time("s", signing.now);
    const std::string mac =
        bus::crypto::hmac(bus::crypto::Hash::sha256, key, {signing.id, ".", time, ".", body});
    return {{"webhook-id", signing.id},
            {"webhook-timestamp", time},
            {"webhook-signature", "v1," + bus::to_base64(mac)}};
}

// The headers that prove `body`; none for kinds whose credential stands elsewhere (query, none).
inline HeaderList signed_headers(const schemas::Verification& v, const Signing& signing,
                                 std::string_view body) {
    if (v.kind == "hmac") return hmac_headers(v, signing, body);
    if (v.kind == "meta") {
        schemas::Verification meta;
        meta.header = "x-hub-signature-256";
        meta.prefix = "sha256=";
        return hmac_headers(meta, signing, body);
    }
    if (v.kind == "standard_webhooks") return standard_webhooks_headers(signing, body);
    if (v.kind == "header") return {{first_word(v.header), signing.secret}};
    // Without a user of its own the secret is "user:password".
    if (v.kind == "basic") {
        const std::string whole = v.user.empty() ? signing.secret : v.user + ":" + signing.secret;
        return {{"authorization", "Basic " + bus::to_base64(whole)}};
    }
    return {};
}

}  // namespace tests
