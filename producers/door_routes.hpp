// What the door takes, as routes without a handler: only to be described in /openapi.json.
#pragma once

#include "bus/http/http.hpp"
#include "schemas/registry.hpp"

namespace producers {

// One per path and method of the given kinds.
std::vector<bus::http::Route> door_routes(const std::vector<const schemas::ProviderKind*>& kinds);

}  // namespace producers
