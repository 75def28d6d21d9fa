#include "bus/metrics.hpp"
#include "schemas/json/json.hpp"
#include "tools/operator_routes.hpp"
#include "tools/version.hpp"

namespace tools {
namespace {

using bus::http::Access;
using bus::http::Call;
using bus::http::Response;

Response ready_answer(const HealthPorts& ports) {
    const auto ready = ports.ready();
    if (ready) return {.status = 200, .body = R"({"ready":true})"};
    return bus::http::problem(503, "not_ready", ready.error().message);
}

}  // namespace

std::vector<bus::http::Route> health_routes(const HealthPorts& ports, bool on_ingress) {
    const std::string suffix = on_ingress ? "OnIngress" : "";
    const auto route = [&](std::string path, std::string operation, std::string summary,
                           auto handle) {
        return bus::http::Route{.method = "GET",
                                .pattern = std::move(path),
                                .operation = operation + suffix,
                                .summary = std::move(summary),
                                .tag = "health",
                                .access = Access::open,
                                .handle = std::move(handle),
                                .on_ingress = on_ingress};
    };
    auto metrics = route("/metrics", "getMetrics", "Prometheus text", [](const Call&) {
        return Response{.content_type = "text/plain; version=0.0.4",
                        .body = bus::metrics::render()};
    });
    metrics.response_type = "text/plain";
    return {
        route("/healthz", "getHealth", "The process is alive",
              [](const Call&) { return Response{.body = R"({"alive":true})"}; }),
        route("/readyz", "getReady",
              on_ingress ? "Events are taken: the registry follows and the log or its spool accepts"
                         : "Events are taken, and the rows are near the end of the log",
              [&ports](const Call&) { return ready_answer(ports); }),
        std::move(metrics),
        route("/version", "getVersion", "What runs here",
              [&ports](const Call&) {
                  std::string body;
                  schemas::json::Writer(body)
                      .begin_object()
                      .member("version", version)
                      .member("engine", ports.log.engine())
                      .end_object();
                  return Response{.body = std::move(body)};
              }),
    };
}

}  // namespace tools
