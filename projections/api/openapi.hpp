// OpenAPI 3.1, generated from the route table of both ports and the object schemas the answers
// name.
#pragma once

#include "bus/http/http.hpp"

#include <string>
#include <vector>

namespace projections::api {

std::string openapi_document(const std::vector<bus::http::Route>& routes);

}  // namespace projections::api
