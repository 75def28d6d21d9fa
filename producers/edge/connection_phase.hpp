// What a connection is about, and until when it may be: each phase has a deadline, and a sooner one
// while there are too many connections. Knows no clock.
#pragma once

#include "producers/edge/edge_server.hpp"

#include <chrono>

namespace producers::edge {

using SteadyTime = std::chrono::steady_clock::time_point;

enum class Phase : std::uint8_t { handshake, idle, head, body, parked, writing, lingering };

class ConnectionPhase {
public:
    // `limits` outlive it.
    explicit ConnectionPhase(const EdgeOptions& limits) : limits_(limits) {}

    bool is(Phase phase) const { return phase_ == phase; }
    bool is_request() const { return is(Phase::head) || is(Phase::body); }  // not whole yet
    // The deadline counts from now on, but for a request that is still in the same part.
    void enter(Phase phase, SteadyTime now);
    void end_request() { phase_ = Phase::idle; }  // the next one has deadlines of its own

    bool is_over(SteadyTime now) const { return now >= deadline_; }
    bool is_over_in_crowd(SteadyTime now) const { return now >= crowded_deadline(); }

private:
    SteadyTime deadline_from(SteadyTime now) const;
    SteadyTime crowded_deadline() const;

    const EdgeOptions& limits_;
    Phase phase_ = Phase::idle;
    SteadyTime began_{}, deadline_{};
};

}  // namespace producers::edge
