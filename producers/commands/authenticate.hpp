// Who asks on the API port: the platform admin (Authorization: Bearer KEY, may name a tenant with
// x-client-code) or a tenant's program (x-api-key + x-client-code, which must belong together).
#pragma once

#include "bus/http/http.hpp"
#include "schemas/registry.hpp"

namespace producers::commands {

class Authenticator {
public:
    Authenticator(std::string_view admin_key, const schemas::Registry& registry);

    // No credentials at all: a caller without tenant, for open routes. unauthenticated: a wrong or
    // revoked key; forbidden: a key and a code of different tenants, or a tenant not active;
    // not_found: the admin names a tenant that does not exist. Secrets are compared as digests, in
    // constant time. Any thread.
    bus::Result<bus::http::Caller> authenticate(const bus::http::Request& request) const;

private:
    bus::Result<bus::http::Caller> as_admin(std::string_view key, std::string_view code) const;
    bus::Result<bus::http::Caller> as_tenant(std::string_view key, std::string_view code) const;

    const std::string admin_key_hash_;  // "" = there is none
    const schemas::Registry& registry_;
};

}  // namespace producers::commands
