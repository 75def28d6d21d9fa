// CRC-32C (Castagnoli, RFC 3720 appendix B.4), by the processor's instruction where it has one.
#pragma once

#include <cstdint>
#include <string_view>

namespace bus {

// Continues `crc`, which is 0 (or a secret) at the start: crc32c(b, crc32c(a)) == crc32c(a + b).
std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc = 0);

// Whether this processor has the instruction: crc32c() is then faster than any table.
bool has_crc32c_instruction();

// The table version, for machines without the instruction and for the test that compares them.
std::uint32_t crc32c_portable(std::string_view bytes, std::uint32_t crc = 0);

}  // namespace bus
