// Brings what a spool holds to the log it was meant for: one thread, many records on their way at a
// time, in order in each topic partition whatever fails.
#pragma once

#include "bus/returning_log.hpp"
#include "bus/spool/forwarding.hpp"

#include <thread>

namespace bus::spool {

class Forwarder {
public:
    // Both outlive this; `target` takes appends for as long.
    Forwarder(ReturningLog& target, Spool& spool);
    ~Forwarder() { stop(); }
    std::string resting() const { return rests_.told(); }  // any thread
    void stop();  // what is on its way is forwarded again by the next process; idempotent

private:
    void run();
    bool forward_some();
    void keep_house();
    void report_failure(const Error& error);

    ReturningLog& target_;
    Spool& spool_;
    std::atomic<bool> stopping_{false};
    Signal stopped_;
    std::chrono::steady_clock::time_point idle_since_{};
    std::uint64_t forwarded_ = 0;  // since the spool was empty
    Rests rests_;
    milliseconds pause_;  // until the next attempt
    bool failing_ = false;
    std::thread thread_;  // last: it uses the others
};

}  // namespace bus::spool
