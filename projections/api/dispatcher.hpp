// From a read request to a response: route, caller, access, position waits, the headers every
// answer has. Pure but for the ports; knows no socket. Threads: any.
#pragma once

#include "projections/api/api_server.hpp"
#include "projections/api/router.hpp"

namespace projections::api {

class Dispatcher {
public:
    Dispatcher(const ApiOptions& options, ApiPorts ports, std::vector<bus::http::Route> routes);

    bus::http::Response answer(const bus::http::Request& request) const;
    std::size_t body_bytes_max(const bus::http::Request& head) const;  // of the route it is for
    const Router& router() const { return router_; }

private:
    bus::http::Response route_and_call(const bus::http::Request& request,
                                       const std::string& request_id) const;
    bus::http::Response call_as_of(const bus::http::Route& route, bus::http::Call& call,
                                   std::string_view as_of) const;
    std::optional<bus::http::Response> wait_for_position(const bus::http::Request& request,
                                                         bus::TenantId tenant) const;

    ApiOptions options_;
    ApiPorts ports_;
    Router router_;
    mutable PositionWaits waits_;
};

}  // namespace projections::api
