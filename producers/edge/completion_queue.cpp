#include "producers/edge/completion_queue.hpp"

namespace producers::edge {

bus::AppendDone CompletionQueue::expect(Ticket ticket) {
    {
        std::lock_guard lock(mutex_);
        ++owed_;
    }
    return [this, ticket](bus::Result<bus::Appended> result) { push(ticket, std::move(result)); };
}

void CompletionQueue::push(Ticket ticket, bus::Result<bus::Appended> result) {
    bool wake = false, last = false;
    {
        std::lock_guard lock(mutex_);
        --owed_;
        last = abandoned_ && owed_ == 0;
        if (!abandoned_) {
            waiting_.push_back({ticket, std::move(result)});
            wake = !std::exchange(woken_, true);
            // Under the lock: abandon() then knows that nobody is about to wake a loop that is
            // gone.
            if (wake) wake_();
        }
    }
    if (last) delete this;  // abandon() gave it up to the last completion
}

void CompletionQueue::take(std::vector<Completion>& out) {
    out.clear();
    std::lock_guard lock(mutex_);
    std::swap(out, waiting_);
    woken_ = false;
}

void CompletionQueue::abandon(std::unique_ptr<CompletionQueue> queue) {
    CompletionQueue* raw = queue.release();  // freed below or by the last completion
    bool last = false;
    {
        std::lock_guard lock(raw->mutex_);
        raw->abandoned_ = true;
        last = raw->owed_ == 0;
    }
    if (last) delete raw;
}

}  // namespace producers::edge
