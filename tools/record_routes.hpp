// Records of the log for tail, get, dump and listen: /v1/operator/records and /record, admin key
// only.
#pragma once

#include "bus/http/http.hpp"
#include "bus/log.hpp"
#include "projections/read_port.hpp"
#include "schemas/registry.hpp"

#include <vector>

namespace tools {

struct RecordPorts {
    bus::Log& log;
    const schemas::Registry& registry;
    projections::ReadPort& reads;
};

// The ports must outlive the server.
std::vector<bus::http::Route> record_routes(const RecordPorts& ports);

}  // namespace tools
