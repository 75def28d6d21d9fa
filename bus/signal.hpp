// "There may be more": a counter that threads wait on. Any number of notifiers and waiters.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace bus {

class Signal {
public:
    void notify() {
        {
            std::lock_guard lock(mutex_);
            ++count_;
        }
        changed_.notify_all();
    }
    std::uint64_t count() const {
        std::lock_guard lock(mutex_);
        return count_;
    }
    // Returns the count once it differs from `seen`, or after `wait_max` at the latest. Read
    // count() before looking for work, so that a notification in between is not missed.
    std::uint64_t wait(std::uint64_t seen, std::chrono::microseconds wait_max) const {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, wait_max, [&] { return count_ != seen; });
        return count_;
    }

private:
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::uint64_t count_ = 0;  // guarded by mutex_
};

}  // namespace bus
