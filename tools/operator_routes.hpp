// What the operator's jobs ask a running process: /v1/operator/*, admin key only; and the health,
// metrics and version routes of both ports (S-01).
#pragma once

#include "bus/clock.hpp"
#include "bus/http/http.hpp"
#include "bus/log.hpp"
#include "consumers/projector_pool.hpp"
#include "schemas/control_follower.hpp"
#include "schemas/registry.hpp"
#include "tools/options.hpp"
#include "tools/retention/expiry_clock.hpp"

#include <functional>

namespace tools {

struct OperatorPorts {
    bus::Log& log;
    const schemas::Registry& registry;
    const consumers::ProjectorPool& pool;
    bus::Clock& clock;
    const schemas::ControlFollower& follower;  // of the registry
    const ServeOptions& options;
    retention::ExpiryClock* expiry_clock;  // null: the log's engine keeps its own retention
};

// topics, checks (doctor). The ports must outlive the server.
std::vector<bus::http::Route> operator_routes(const OperatorPorts& ports);

struct HealthPorts {
    const bus::Log& log;
    std::function<bus::Result<bus::Done>()> ready;
};

// /healthz, /readyz, /metrics, /version. Open on both ports; metrics hold no tenant ids. The ports
// must outlive the server.
std::vector<bus::http::Route> health_routes(const HealthPorts& ports, bool on_ingress);

}  // namespace tools
