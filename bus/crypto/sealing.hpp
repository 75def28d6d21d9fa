// Secrets at rest: AES-256-GCM, a data key per tenant, itself wrapped by the installation's master
// key.
#pragma once

#include "bus/result.hpp"

#include <array>
#include <filesystem>
#include <string>
#include <string_view>

namespace bus::crypto {

using Key256 = std::array<std::uint8_t, 32>;

void random_bytes(void* out, std::size_t count);
std::string random_token(std::size_t bytes);  // base64url of that many random bytes
Key256 random_key();

// Sealed form: version (1) | nonce (12) | ciphertext | tag (16). `context` is authenticated, not
// stored: a value moved to another tenant or field does not open.
std::string seal(const Key256& key, std::string_view plain, std::string_view context);
Result<std::string> open(const Key256& key, std::string_view sealed,
                         std::string_view context);  // corrupt

// Reads the master key file, or makes it (mode 0600, synced) when it is not there.
// Refuses one that others may read.
Result<Key256> load_or_create_master_key(const std::filesystem::path& file);

}  // namespace bus::crypto
