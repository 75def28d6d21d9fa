// What the log says about parked requests, on its way to the edge's thread: many completions, one
// wake-up.
#pragma once

#include "bus/log.hpp"

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace producers::edge {

// Which parked record a completion is for.
struct Ticket {
    std::uint32_t slot = 0;      // of the connection
    std::uint16_t sequence = 0;  // of the request on it
    std::uint16_t item = 0;      // of the record in it
};

struct Completion {
    Ticket ticket;
    bus::Result<bus::Appended> result;
};

// Outlives the edge for as long as the log owes completions.
class CompletionQueue {
public:
    using Wake = std::function<void()>;

    // `wake` is called on a thread of the log, once until the next take().
    explicit CompletionQueue(Wake wake) : wake_(std::move(wake)) {}

    // For Log::append. Small enough for std::function to keep in place.
    bus::AppendDone expect(Ticket ticket);
    void take(std::vector<Completion>& out);  // swaps

    // From now on completions are dropped; the last one owed frees the queue.
    static void abandon(std::unique_ptr<CompletionQueue> queue);

private:
    void push(Ticket ticket, bus::Result<bus::Appended> result);

    Wake wake_;
    std::mutex mutex_;
    std::vector<Completion> waiting_;  // guarded by mutex_, as all below
    std::size_t owed_ = 0;
    bool woken_ = false;
    bool abandoned_ = false;
};

}  // namespace producers::edge
