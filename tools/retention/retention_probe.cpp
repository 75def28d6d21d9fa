#include "tools/retention/retention_probe.hpp"

#include "bus/logging.hpp"
#include "bus/metrics.hpp"

namespace tools::retention {

void RetentionProbe::pause_left(bus::microseconds uptime) {
    static bus::metrics::Gauge& left = bus::metrics::gauge(
        "retention_pause_seconds", "",
        "Uptime until records expire again by a wall clock that has jumped ahead; 0 = they do");
    left.set(std::chrono::duration<double>(uptime).count());
}

void RetentionProbe::pauses(std::string_view reason) {
    bus::logging::warn("retention_pauses", {{"reason", reason}});
}

void RetentionProbe::goes_on() {
    bus::logging::info("retention_goes_on");
}

void RetentionProbe::clock_not_kept(const bus::Error& error) {
    bus::logging::warn("clock_seen_not_kept", {{"error", error.message}});
}

void RetentionProbe::keeps_damaged(const std::vector<std::string>& places) {
    static bus::metrics::Gauge& kept = bus::metrics::gauge(
        "retention_damaged_places", "",
        "Files and topic partitions that kept what had expired in the last run, as they are "
        "damaged");
    kept.set(static_cast<double>(places.size()));
    for (const std::string& place : places)
        bus::logging::warn("retention_kept_damaged", {{"reason", place}});
}

}  // namespace tools::retention
