#include "projections/api/object_schemas.hpp"

namespace projections::api {

std::string object_schemas() {
    return R"({"Problem":{"type":"object","required":["title","status","code","detail"],"properties":{)"
           R"("type":{"type":"string"},"title":{"type":"string"},"status":{"type":"integer"},)"
           R"("code":{"type":"string"},"detail":{"type":"string"},"fields":{"type":"array","items":{"type":"object",)"
           R"("properties":{"path":{"type":"string"},"code":{"type":"string"},"message":{"type":"string"}}}}}}})";
}

}  // namespace projections::api
