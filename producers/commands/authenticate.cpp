#include "producers/commands/authenticate.hpp"

#include "bus/crypto/digest.hpp"
#include "bus/text.hpp"
#include "producers/commands/secret_vault.hpp"

namespace producers::commands {
namespace {

using bus::ErrorCode;
using bus::fail;

// The credentials of "Bearer KEY", scheme in any case.
std::string_view bearer_key(std::string_view authorization) {
    constexpr std::string_view scheme = "bearer ";
    if (authorization.size() <= scheme.size()) return {};
    if (bus::to_lower_ascii(authorization.substr(0, scheme.size())) != scheme) return {};
    return bus::trim(authorization.substr(scheme.size()));
}

}  // namespace

Authenticator::Authenticator(std::string_view admin_key, const schemas::Registry& registry)
    : admin_key_hash_(admin_key.empty() ? std::string() : hash_hex(admin_key)),
      registry_(registry) {}

bus::Result<bus::http::Caller> Authenticator::authenticate(
    const bus::http::Request& request) const {
    const std::string_view authorization = request.header("authorization");
    const std::string_view key = request.header("x-api-key");
    const std::string code = bus::to_lower_ascii(request.header("x-client-code"));
    if (!authorization.empty() && !key.empty())
        return fail(ErrorCode::unauthenticated, "send either Authorization or x-api-key, not both");
    if (!authorization.empty()) return as_admin(bearer_key(authorization), code);
    if (!key.empty()) return as_tenant(key, code);
    return bus::http::Caller{};
}

bus::Result<bus::http::Caller> Authenticator::as_admin(std::string_view key,
                                                       std::string_view code) const {
    if (admin_key_hash_.empty() ||
        !bus::crypto::equal_constant_time(hash_hex(key), admin_key_hash_)) {
        return fail(ErrorCode::unauthenticated,
                    "the admin key is wrong; it stands in admin.key of the data folder");
    }
    bus::http::Caller caller{.tenant = std::nullopt, .admin = true, .key_id = "admin"};
    if (code.empty()) return caller;
    const auto tenant = registry_.tenant_by_code(code);
    if (!tenant) return fail(ErrorCode::not_found, "no client has the code '{}'", code);
    caller.tenant = tenant->id;
    return caller;
}

bus::Result<bus::http::Caller> Authenticator::as_tenant(std::string_view key,
                                                        std::string_view code) const {
    const std::string hash = hash_hex(key);
    const auto known = registry_.api_key_by_hash(hash);
    if (!known || known->revoked || !bus::crypto::equal_constant_time(known->hash, hash))
        return fail(ErrorCode::unauthenticated, "the x-api-key is unknown or revoked");
    if (code.empty()) {
        return fail(ErrorCode::unauthenticated,
                    "x-client-code is missing; it goes with every x-api-key");
    }
    const auto tenant = registry_.tenant(known->tenant);
    if (!tenant || !bus::crypto::equal_constant_time(tenant->code, code))
        return fail(ErrorCode::forbidden, "the x-api-key is not of the client '{}'", code);
    if (tenant->status != "active")
        return fail(ErrorCode::forbidden, "the client '{}' is {}", code, tenant->status);
    return bus::http::Caller{.tenant = tenant->id, .admin = false, .key_id = known->id};
}

}  // namespace producers::commands
