// The door's port to the plain text of a source's secrets.
#pragma once

#include "schemas/registry.hpp"

namespace producers {

class SecretOpener {
public:
    virtual ~SecretOpener() = default;
    // Plain text of a secret sealed under the tenant's data key. corrupt, unavailable.
    virtual bus::Result<std::string> open(bus::TenantId tenant,
                                          const schemas::SealedSecret& secret) = 0;
};

}  // namespace producers
