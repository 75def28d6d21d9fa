// The object schemas that OpenAPI names, as one JSON object (components/schemas).
#pragma once

#include <string>

namespace projections::api {

std::string object_schemas();

}  // namespace projections::api
