#include "bus/crypto/digest.hpp"

// The digests as they were before OpenSSL 3: the same code for each block as behind EVP, but their
// state is a plain value. Copying one begins an HMAC; EVP allocates for that, and looks up more.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <cstring>
#include <type_traits>

namespace bus::crypto {
namespace {

struct Sha256Functions {
    using Context = SHA256_CTX;
    static constexpr std::size_t bytes = SHA256_DIGEST_LENGTH;
    static constexpr auto init = SHA256_Init;
    static constexpr auto update = SHA256_Update;
    static constexpr auto final = SHA256_Final;
};
struct Sha1Functions {
    using Context = SHA_CTX;
    static constexpr std::size_t bytes = SHA_DIGEST_LENGTH;
    static constexpr auto init = SHA1_Init;
    static constexpr auto update = SHA1_Update;
    static constexpr auto final = SHA1_Final;
};
constexpr std::size_t block_bytes = SHA256_CBLOCK;  // of both

template <class Functions>
class Digest {
public:
    Digest() { must(Functions::init(&context_)); }
    template <std::size_t n>
    explicit Digest(const std::array<std::byte, n>& state) {
        std::memcpy(&context_, state.data(), sizeof context_);
    }
    template <std::size_t n>
    void save(std::array<std::byte, n>& state) const {
        static_assert(std::is_trivially_copyable_v<Context> && sizeof context_ <= n);
        std::memcpy(state.data(), &context_, sizeof context_);
    }

    Digest& add(std::string_view bytes) {
        must(Functions::update(&context_, bytes.data(), bytes.size()));
        return *this;
    }
    void end(void* out) { must(Functions::final(static_cast<unsigned char*>(out), &context_)); }

private:
    using Context = typename Functions::Context;
    static void must(int done) { BUS_ASSERT(done == 1, "a digest cannot fail on memory"); }

    Context context_;
};

using PaddedKey = std::array<char, block_bytes>;

template <class Functions>
PaddedKey padded(std::string_view key) {
    PaddedKey block{};
    if (key.size() > block.size())
        Digest<Functions>().add(key).end(block.data());
    else if (!key.empty())
        std::memcpy(block.data(), key.data(), key.size());
    return block;
}

// RFC 2104: the digest of (key xor `pad`), to go on with the message.
template <class Functions>
Digest<Functions> begun(PaddedKey key, char pad) {
    for (char& c : key) c = static_cast<char>(c ^ pad);
    return Digest<Functions>().add({key.data(), key.size()});
}

template <class Functions, class State>
void schedule(std::string_view key, State& inner, State& outer) {
    const PaddedKey block = padded<Functions>(key);
    begun<Functions>(block, 0x36).save(inner);
    begun<Functions>(block, 0x5c).save(outer);
}

template <class Functions, class State>
std::string signature(const State& inner, const State& outer,
                      std::initializer_list<std::string_view> parts) {
    std::string out(Functions::bytes, '\0');
    Digest<Functions> message(inner);
    for (std::string_view part : parts) message.add(part);
    message.end(out.data());
    Digest<Functions>(outer).add(out).end(out.data());
    return out;
}

}  // namespace

Sha256 sha256(std::initializer_list<std::string_view> parts) {
    Sha256 out;
    Digest<Sha256Functions> digest;
    for (std::string_view part : parts) digest.add(part);
    digest.end(out.data());
    return out;
}

HmacKey::HmacKey(Hash hash, std::string_view key) : hash_(hash) {
    if (hash == Hash::sha1)
        schedule<Sha1Functions>(key, inner_, outer_);
    else
        schedule<Sha256Functions>(key, inner_, outer_);
}

std::string HmacKey::sign(std::initializer_list<std::string_view> parts) const {
    return hash_ == Hash::sha1 ? signature<Sha1Functions>(inner_, outer_, parts)
                               : signature<Sha256Functions>(inner_, outer_, parts);
}

std::string hmac(Hash hash, std::string_view key, std::initializer_list<std::string_view> parts) {
    return HmacKey(hash, key).sign(parts);
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
