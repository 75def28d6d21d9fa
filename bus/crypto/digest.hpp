// Digests and message authentication codes, computed by OpenSSL.
#pragma once

#include "bus/log.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace bus::crypto {

using Sha256 = std::array<std::uint8_t, 32>;

Sha256 sha256(std::initializer_list<std::string_view> parts);
inline Sha256 sha256(std::string_view bytes) {
    return sha256({bytes});
}

enum class Hash : std::uint8_t { sha1, sha256 };
// Raw bytes of HMAC(key, concatenation of parts): 20 or 32 bytes.
std::string hmac(Hash hash, std::string_view key, std::initializer_list<std::string_view> parts);

// A key that signs many messages: what follows from the key alone is computed once. As secret as
// the key itself. Immutable; any thread.
class HmacKey {
public:
    HmacKey(Hash hash, std::string_view key);
    std::string sign(std::initializer_list<std::string_view> parts) const;  // as hmac() does

private:
    using DigestState = std::array<std::byte, 112>;  // a digest that has begun

    Hash hash_;
    DigestState inner_, outer_;  // each after its padded key
};

// Constant time in the content; lengths may show.
bool equal_constant_time(std::string_view a, std::string_view b);

// First 16 bytes of SHA-256 over length-prefixed parts: ids of mapped events, row keys.
EventId hash_id(std::span<const std::string_view> parts);
inline EventId hash_id(std::initializer_list<std::string_view> parts) {
    return hash_id(std::span{parts.begin(), parts.size()});
}

inline std::string_view view(const Sha256& digest) {
    return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace bus::crypto
