#include "bus/crypto/digest.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <memory>

namespace bus::crypto {
namespace {

template <auto destroy>
struct Destroy {
    void operator()(auto* p) const { destroy(p); }
};
using Md = std::unique_ptr<EVP_MD, Destroy<EVP_MD_free>>;
using MdContext = std::unique_ptr<EVP_MD_CTX, Destroy<EVP_MD_CTX_free>>;
using Mac = std::unique_ptr<EVP_MAC, Destroy<EVP_MAC_free>>;
using MacContext = std::unique_ptr<EVP_MAC_CTX, Destroy<EVP_MAC_CTX_free>>;

// Fetching an algorithm costs more than a digest of a webhook body, hence once per process or
// thread.
const EVP_MD* sha256_algorithm() {
    static const Md md{EVP_MD_fetch(nullptr, "SHA256", nullptr)};
    return md.get();
}

EVP_MAC_CTX* hmac_context(Hash hash) {
    static const Mac mac{EVP_MAC_fetch(nullptr, "HMAC", nullptr)};
    thread_local MacContext contexts[2];
    auto& context = contexts[static_cast<std::size_t>(hash)];
    if (!context) {
        context.reset(EVP_MAC_CTX_new(mac.get()));
        std::string digest = hash == Hash::sha1 ? "SHA1" : "SHA256";
        const OSSL_PARAM parameters[] = {
            OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
            OSSL_PARAM_construct_end()};
        BUS_ASSERT(EVP_MAC_CTX_set_params(context.get(), parameters) == 1,
                   "OpenSSL has HMAC with this digest");
    }
    return context.get();
}

const unsigned char* bytes(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

Sha256 sha256(std::initializer_list<std::string_view> parts) {
    thread_local const MdContext context{EVP_MD_CTX_new()};
    Sha256 out;
    bool ok = EVP_DigestInit_ex2(context.get(), sha256_algorithm(), nullptr) == 1;
    for (std::string_view part : parts)
        ok = ok && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
    ok = ok && EVP_DigestFinal_ex(context.get(), out.data(), nullptr) == 1;
    BUS_ASSERT(ok, "SHA-256 cannot fail on memory");
    return out;
}

std::string hmac(Hash hash, std::string_view key, std::initializer_list<std::string_view> parts) {
    EVP_MAC_CTX* context = hmac_context(hash);
    // A null key pointer would mean "keep the previous key".
    const unsigned char* key_bytes = key.empty() ? bytes("") : bytes(key);
    bool ok = EVP_MAC_init(context, key_bytes, key.size(), nullptr) == 1;
    for (std::string_view part : parts)
        ok = ok && EVP_MAC_update(context, bytes(part), part.size()) == 1;
    std::string out(hash == Hash::sha1 ? 20 : 32, '\0');
    std::size_t length = 0;
    ok = ok && EVP_MAC_final(context, reinterpret_cast<unsigned char*>(out.data()), &length,
                             out.size()) == 1;
    BUS_ASSERT(ok && length == out.size(), "HMAC cannot fail on memory");
    return out;
}

bool equal_constant_time(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

EventId hash_id(std::span<const std::string_view> parts) {
    thread_local std::string joined;
    joined.clear();
    for (std::string_view part : parts) {
        const auto length = static_cast<std::uint32_t>(part.size());
        joined.append(reinterpret_cast<const char*>(&length), sizeof length);
        joined += part;
    }
    const Sha256 digest = sha256(joined);
    EventId id;
    __builtin_memcpy(id.bytes.data(), digest.data(), id.bytes.size());
    return id;
}

}  // namespace bus::crypto
