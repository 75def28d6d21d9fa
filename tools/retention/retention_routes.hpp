// GET /v1/retention shows the settings; PUT /v1/retention {"topic", "keep": "365d" or "forever"}
// changes one; POST /v1/retention {"commit"?, "topic"?, "older_than"?, "trust_clock"?} applies them
// as a job, which only counts without "commit". "trust_clock" ends a pause over a wall clock that
// has jumped ahead, which is 409 otherwise. "older_than" is for this once, with "topic" for that
// topic alone or for all that are limited. Admin key only.
#pragma once

#include "bus/http/http.hpp"
#include "tools/retention/retention_work.hpp"

namespace tools::retention {

std::vector<bus::http::Route> retention_routes(const RetentionPorts& ports);

}  // namespace tools::retention
