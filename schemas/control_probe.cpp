#include "schemas/control_probe.hpp"

#include "bus/logging.hpp"
#include "bus/metrics.hpp"

namespace schemas {
namespace {

bus::metrics::Gauge& still() {
    return bus::metrics::gauge(
        "registry_stands_still", "",
        "1 after a fact that this build must not skip: no later one applies");
}

}  // namespace

void ControlProbe::follows() {
    still().set(0);
}

void ControlProbe::read_failed(const bus::Error& error) {
    bus::logging::warn("control_read_failed", {{"reason", error.message}});
}

void ControlProbe::stands_still(const bus::Error& why) {
    still().set(1);
    bus::logging::error("control_stopped", {{"reason", why.message}});
}

}  // namespace schemas
