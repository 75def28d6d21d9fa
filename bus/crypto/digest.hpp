// Digests and message authentication codes over OpenSSL 3, with fetched algorithms kept per thread.
#pragma once

#include "bus/log.hpp"

#include <array>
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
