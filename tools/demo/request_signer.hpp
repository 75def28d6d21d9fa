// The sender's half of the verification schemes: what a provider adds to its requests.
#pragma once

#include "bus/net/http_client.hpp"
#include "schemas/registry.hpp"

#include <string_view>

namespace tools::demo {

// Adds signature or credential to `request`. `id` names the delivery (Standard Webhooks); `now` is
// the time of sending, which schemes with a tolerance sign.
void sign_request(const schemas::Verification& scheme, std::string_view secret, std::string_view id,
                  bus::Timestamp now, bus::net::ClientRequest& request);

}  // namespace tools::demo
