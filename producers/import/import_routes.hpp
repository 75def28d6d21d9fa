// POST /v1/imports/records: the past of one source, a chunk at a time (S-09).
#pragma once

#include "bus/http/http.hpp"
#include "producers/import/importer.hpp"

namespace producers::import {

// `ports` outlives the server.
std::vector<bus::http::Route> import_routes(const ImportPorts& ports);

}  // namespace producers::import
