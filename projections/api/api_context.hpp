// What the handlers read from. One instance serves all of them; no handler writes.
#pragma once

#include "bus/http/http.hpp"
#include "bus/log.hpp"
#include "projections/measures/measure_set.hpp"
#include "projections/read_port.hpp"
#include "schemas/registry.hpp"

#include <vector>

namespace projections::api {

struct ApiContext {
    ReadPort& reads;
    const schemas::Registry& registry;
    const MeasureSet& measures;
    bus::Log& log;  // read_at only
};

// One function per group of routes; the context must outlive the server.
std::vector<bus::http::Route> measure_routes(const ApiContext& context);         // S-18
std::vector<bus::http::Route> call_dashboard_routes(const ApiContext& context);  // V-05 to V-07
std::vector<bus::http::Route> mail_dashboard_routes(
    const ApiContext& context);  // D-02, D-03, D-05 to D-07
std::vector<bus::http::Route> conversation_routes(const ApiContext& context);  // C-06 to C-08
std::vector<bus::http::Route> call_routes(const ApiContext& context);          // V-08, V-10, V-12
std::vector<bus::http::Route> timeline_routes(const ApiContext& context);      // O-23, O-24
std::vector<bus::http::Route> mail_routes(const ApiContext& context);          // E-09, E-16, D-04
std::vector<bus::http::Route> billing_routes(const ApiContext& context);       // S-19
std::vector<bus::http::Route> ingest_routes(const ApiContext& context);        // S-02, S-03, S-05

std::vector<bus::http::Route> all_read_routes(const ApiContext& context);

}  // namespace projections::api
