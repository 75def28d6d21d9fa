// The query API's server: Poco's TCP server and threads, our own strict request reader in front of
// every handler (Poco 1.11's HTTP reader answers 200 to cut bodies and can be made to read a body
// as the next request).
//
// One thread per connection. Guards: head and body limits, head deadline, idle time-out, connection
// cap. Threads: start and stop from one thread; handlers run on many.
#pragma once

#include "bus/clock.hpp"
#include "bus/http/request_head.hpp"
#include "bus/tls/tls_context.hpp"
#include "projections/api/position_waits.hpp"
#include "projections/read_port.hpp"
#include "projections/time_travel_port.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace projections::api {

struct ApiOptions {
    std::string host = "127.0.0.1";
    std::uint16_t port = 8081;  // 0 = any free one
    bus::http::HeadLimits head;
    std::size_t body_bytes_max = 1 << 20;
    bus::milliseconds head_deadline{10'000};
    bus::milliseconds body_deadline{30'000};
    bus::milliseconds idle_max{15'000};
    bus::milliseconds write_deadline{60'000};  // for the peer to take an answer
    bus::milliseconds linger_max{2'000};     // after an answer that closes, for the peer to read it
    const bus::tls::Context* tls = nullptr;  // null: plain HTTP; outlives the server
    // From a connection's start. Each takes a thread, so connections_max bounds their count, and
    // crowded_idle_max how long they last while there are many.
    bus::milliseconds handshake_deadline{10'000};
    std::size_t connections_max = 512;
    // While three quarters of them are taken, who says nothing is let go sooner.
    bus::milliseconds crowded_idle_max{500};
    bus::milliseconds position_wait_default{2'000};
    bus::milliseconds position_wait_max{30'000};
    PositionWaitLimits position_waits{};
};

struct ApiPorts {
    ReadPort* reads = nullptr;
    // Who asks; an error is answered as it is (401, 403).
    std::function<bus::Result<bus::http::Caller>(const bus::http::Request&)> authenticate;
    TimeTravelPort* past = nullptr;  // for `as_of`; null: 501
    bus::Clock* clock = &bus::system_clock();
};

class ApiServer {
public:
    // `routes` are all routes of both ports: those on the ingress are only described in
    // /openapi.json.
    static bus::Result<std::unique_ptr<ApiServer>> start(const ApiOptions& options, ApiPorts ports,
                                                         std::vector<bus::http::Route> routes);
    virtual ~ApiServer() = default;
    virtual std::uint16_t port() const = 0;
    // Stops accepting, lets running requests finish until the deadline, closes.
    virtual void stop(bus::milliseconds deadline) = 0;
};

}  // namespace projections::api
