#include "producers/edge/connection_phase.hpp"

namespace producers::edge {

void ConnectionPhase::enter(Phase phase, SteadyTime now) {
    const bool goes_on = is(phase) && is_request();
    phase_ = phase;
    if (goes_on) return;
    began_ = now;
    deadline_ = deadline_from(now);
}

SteadyTime ConnectionPhase::deadline_from(SteadyTime now) const {
    switch (phase_) {
        case Phase::handshake:
            return now + limits_.handshake_deadline;
        case Phase::idle:
            return now + limits_.idle_max;
        case Phase::head:
            return now + limits_.head_deadline;
        case Phase::body:
            return now + limits_.body_deadline;
        case Phase::parked:
            break;
        case Phase::writing:
            return now + limits_.write_deadline;
        case Phase::lingering:
            return now + limits_.linger_max;
    }
    return SteadyTime::max();
}

SteadyTime ConnectionPhase::crowded_deadline() const {
    switch (phase_) {
        case Phase::handshake:
        case Phase::idle:
            return began_ + limits_.crowded_idle_max;
        case Phase::head:
        case Phase::body:
        case Phase::writing:
            return began_ + limits_.crowded_request_deadline;
        case Phase::parked:
        case Phase::lingering:
            break;
    }
    return SteadyTime::max();
}

}  // namespace producers::edge
