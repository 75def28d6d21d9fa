// Brings what a spool holds to the log it was meant for: one thread, one record at a time of each
// source in a topic partition, so that their order stays whatever fails, and sources beside each
// other.
#pragma once

#include "bus/spool/spool.hpp"

#include <functional>
#include <thread>

namespace bus::spool {

class Forwarder {
public:
    // Both outlive this; `target` takes appends for as long.
    Forwarder(Log& target, Spool& spool);
    ~Forwarder() { stop(); }
    void stop();  // after the records that are on their way; idempotent

private:
    void run();
    bool forward_some();
    std::size_t forward(const std::vector<RecordBatch>& batches);
    void keep_house();
    void report_failure(const Error& error);

    Log& target_;
    Spool& spool_;
    std::atomic<bool> stopping_{false};
    Signal stopped_;
    std::chrono::steady_clock::time_point marks_due_{}, idle_since_{};
    std::uint64_t forwarded_ = 0;  // since the spool was empty
    bool failing_ = false;
    std::thread thread_;  // last: it uses the others
};

}  // namespace bus::spool
