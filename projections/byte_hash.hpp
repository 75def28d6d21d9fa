// A fast 64-bit hash of bytes for tables in memory. Seeded with a secret, so that no payload can be
// made to collide; never stored.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace projections {

inline std::uint64_t fold_multiply(std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

inline std::uint64_t byte_hash(std::string_view bytes, std::uint64_t seed) {
    std::uint64_t hash = seed ^ bytes.size();
    std::uint64_t word = 0;
    std::size_t at = 0;
    for (; at + sizeof word <= bytes.size(); at += sizeof word) {
        std::memcpy(&word, bytes.data() + at, sizeof word);
        hash = fold_multiply(hash ^ word, 0x9E3779B97F4A7C15u) + seed;
    }
    word = 0;
    if (at < bytes.size()) std::memcpy(&word, bytes.data() + at, bytes.size() - at);
    return fold_multiply(hash ^ word, 0xD6E8FEB86659FD93u);
}

}  // namespace projections
