// What the door counts.
#pragma once

#include "bus/metrics.hpp"
#include "producers/raw_record.hpp"

#include <array>

namespace producers {

class DoorProbe {
public:
    DoorProbe() {
        for (std::size_t i = 0; i < causes; ++i) {
            refused_[i] =
                &bus::metrics::counter("door_refused_requests_total",
                                       fmt::format("cause=\"{}\"", name(static_cast<Cause>(i))),
                                       "Requests refused at the door, by cause");
        }
    }
    void admitted() { admitted_.add(); }
    void split(std::size_t parts) { parts_.add(parts); }
    void refused(Cause cause) { refused_[static_cast<std::size_t>(cause)]->add(); }
    void not_recorded() { not_recorded_.add(); }
    void unusable_source() { unusable_.add(); }
    void handshake_answered() { handshakes_.add(); }
    void events(std::size_t count) { events_.add(count); }

private:
    static constexpr std::size_t causes = static_cast<std::size_t>(Cause::several_tenants) + 1;
    std::array<bus::metrics::Counter*, causes> refused_{};
    bus::metrics::Counter& admitted_ = bus::metrics::counter(
        "door_admitted_requests_total", "", "Webhook requests verified and handed to the log");
    bus::metrics::Counter& parts_ = bus::metrics::counter(
        "door_body_parts_total", "", "Records made of bodies that name several clients");
    bus::metrics::Counter& not_recorded_ = bus::metrics::counter(
        "door_refused_unrecorded_total", "", "Refusals only counted, under flood");
    bus::metrics::Counter& unusable_ = bus::metrics::counter(
        "door_unusable_source_total", "", "Requests to sources that are misconfigured on our side");
    bus::metrics::Counter& handshakes_ =
        bus::metrics::counter("door_handshakes_total", "", "Provider handshakes answered");
    bus::metrics::Counter& events_ =
        bus::metrics::counter("door_published_events_total", "", "Events taken by /v1/events");
};

}  // namespace producers
