// JSON Schemas of the objects that routes take and answer, by the names routes know them by.
#pragma once

#include <string>
#include <string_view>

namespace projections::api {

bool has_object_schema(std::string_view name);
std::string object_schemas();  // a JSON object: name to schema

}  // namespace projections::api
