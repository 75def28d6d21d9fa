// What is secret, and the keys that open it: API keys and path tokens are derived from the master
// key, secrets of sources are sealed under their tenant's data key, which the master key wraps.
//
// Opened secrets are cached by what they are sealed to, which no two share, and the bounded cache
// starts anew when it is full. Threads: any.
#pragma once

#include "bus/crypto/sealing.hpp"
#include "producers/secret_opener.hpp"
#include "schemas/registry.hpp"

#include <shared_mutex>
#include <unordered_map>

namespace producers::commands {

class SecretVault final : public SecretOpener {
public:
    static constexpr std::size_t cached_secrets_max = 50'000;

    SecretVault(const bus::crypto::Key256& master_key, const schemas::Registry& registry)
        : master_key_(master_key), registry_(registry) {}

    // unavailable: the tenant's data key has not been read yet, or was shredded.
    bus::Result<std::string> open(bus::TenantId tenant,
                                  const schemas::SealedSecret& secret) override;
    bus::Result<schemas::SealedSecret> seal(bus::TenantId tenant, std::string_view id,
                                            std::string_view plain, bus::Timestamp now);

    // A fresh data key of a tenant, sealed under the master key.
    std::string new_wrapped_data_key(bus::TenantId tenant) const;

    // Unguessable texts that need not be kept: the same purpose and subject give the same again.
    std::string derived_token(std::string_view purpose, std::string_view subject) const;
    std::string api_key_of(std::string_view command_id) const;  // "trk_..."
    std::string path_token_of(bus::SourceId source) const;

    // Tells two requests apart without telling what they hold.
    std::string fingerprint(std::initializer_list<std::string_view> parts) const;

private:
    bus::Result<bus::crypto::Key256> data_key(bus::TenantId tenant) const;

    const bus::crypto::Key256 master_key_;
    const schemas::Registry& registry_;

    mutable std::shared_mutex mutex_;
    std::unordered_map<std::string, std::string> opened_;  // by sealed text; guarded by mutex_
};

// SHA-256 as hex: how API keys, path tokens and verify tokens are kept.
std::string hash_hex(std::string_view text);

}  // namespace producers::commands
