#include "producers/commands/secret_vault.hpp"

#include "bus/crypto/digest.hpp"
#include "bus/text.hpp"

#include <algorithm>
#include <mutex>

namespace producers::commands {
namespace {

using bus::ErrorCode;

constexpr std::size_t last4_needs_bytes = 12;  // four of fewer would tell too much

std::string key_context(bus::TenantId tenant) {
    return "data-key:" + bus::to_string(tenant);
}
std::string secret_context(bus::TenantId tenant, std::string_view id) {
    return fmt::format("secret:{}:{}", bus::to_string(tenant), id);
}
std::string_view bytes_of(const bus::crypto::Key256& key) {
    return {reinterpret_cast<const char*>(key.data()), key.size()};
}

}  // namespace

std::string hash_hex(std::string_view text) {
    return bus::to_hex(bus::crypto::view(bus::crypto::sha256(text)));
}

bus::Result<bus::crypto::Key256> SecretVault::data_key(bus::TenantId tenant) const {
    const auto owner = registry_.tenant(tenant);
    if (!owner || owner->wrapped_data_key.empty()) {
        return bus::fail(ErrorCode::unavailable, "the data key of {} is not there",
                         bus::to_string(tenant));
    }
    auto plain = bus::crypto::open(master_key_, owner->wrapped_data_key, key_context(tenant));
    if (!plain) {
        return bus::fail(ErrorCode::corrupt, "the data key of {} does not open: {}",
                         bus::to_string(tenant), plain.error().message);
    }
    bus::crypto::Key256 key{};
    if (plain->size() != key.size())
        return bus::fail(ErrorCode::corrupt, "a data key of {} bytes", plain->size());
    std::copy(plain->begin(), plain->end(), key.begin());
    return key;
}

bus::Result<std::string> SecretVault::open(bus::TenantId tenant,
                                           const schemas::SealedSecret& secret) {
    {
        const std::shared_lock lock(mutex_);
        if (const auto found = opened_.find(secret.sealed); found != opened_.end())
            return found->second;
    }
    auto key = data_key(tenant);
    if (!key) return key.error();
    auto plain = bus::crypto::open(*key, secret.sealed, secret_context(tenant, secret.id));
    if (!plain) return plain;
    const std::unique_lock lock(mutex_);
    if (opened_.size() >= cached_secrets_max) opened_.clear();
    opened_[secret.sealed] = *plain;
    return plain;
}

bus::Result<schemas::SealedSecret> SecretVault::seal(bus::TenantId tenant, std::string_view id,
                                                     std::string_view plain, bus::Timestamp now) {
    auto key = data_key(tenant);
    if (!key) return key.error();
    return schemas::SealedSecret{
        .id = std::string(id),
        .sealed = bus::crypto::seal(*key, plain, secret_context(tenant, id)),
        .last4 = plain.size() < last4_needs_bytes ? std::string()
                                                  : std::string(plain.substr(plain.size() - 4)),
        .rotated_at = now,
        .valid_until = std::nullopt};
}

std::string SecretVault::new_wrapped_data_key(bus::TenantId tenant) const {
    return bus::crypto::seal(master_key_, bytes_of(bus::crypto::random_key()), key_context(tenant));
}

std::string SecretVault::derived_token(std::string_view purpose, std::string_view subject) const {
    return bus::to_base64url(bus::crypto::hmac(bus::crypto::Hash::sha256, bytes_of(master_key_),
                                               {purpose, std::string_view("\0", 1), subject}));
}

std::string SecretVault::api_key_of(std::string_view command_id) const {
    return "trk_" + derived_token("api key", command_id);
}

std::string SecretVault::path_token_of(bus::SourceId source) const {
    return derived_token("path token", bus::to_string(source));
}

std::string SecretVault::fingerprint(std::initializer_list<std::string_view> parts) const {
    const auto id = bus::crypto::hash_id(parts);
    return bus::to_hex(bus::crypto::hmac(bus::crypto::Hash::sha256, bytes_of(master_key_),
                                         {"fingerprint", id.view()}))
        .substr(0, 32);
}

}  // namespace producers::commands
