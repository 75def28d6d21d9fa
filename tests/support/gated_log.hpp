// A log whose readers give one record at a time, and none while its gate is shut. Like one that has
// yet to fetch, they may give nothing at first.
#pragma once

#include "tests/support/polled_log.hpp"

#include <condition_variable>
#include <mutex>

namespace tests {

class Gate {
public:
    void shut() { set(true); }
    void open() { set(false); }
    bool is_shut() const {
        std::lock_guard lock(mutex_);
        return shut_;
    }
    // Opens by itself in the end, so that a test that waits for the wrong thing fails.
    void pass() {
        std::unique_lock lock(mutex_);
        ++waiting_;
        changed_.notify_all();
        if (!changed_.wait_for(lock, std::chrono::seconds{5}, [&] { return !shut_; }))
            shut_ = false;
        --waiting_;
        ++passed_;
    }
    bool wait_for_somebody() {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds{5}, [&] { return waiting_ > 0; });
    }
    int passed() const {
        std::lock_guard lock(mutex_);
        return passed_;
    }

private:
    void set(bool shut) {
        std::lock_guard lock(mutex_);
        shut_ = shut;
        changed_.notify_all();
    }

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    bool shut_ = false;  // guarded by mutex_, as all below
    int waiting_ = 0;
    int passed_ = 0;
};

class GatedLog final : public PolledLog {
public:
    using PolledLog::PolledLog;

    std::vector<bus::PartitionId> opened() const {  // partitions, in order
        std::lock_guard lock(mutex_);
        return opened_;
    }

    Gate gate;
    int empty_polls = 0;  // of each reader, before its first record

private:
    Poll poll_of(const bus::ReaderOptions& options) override {
        std::lock_guard lock(mutex_);
        opened_.push_back(options.partition);
        return [this, empty_left = empty_polls, signal = options.signal](
                   bus::Reader& reader, std::size_t, std::size_t bytes_max) mutable -> Polled {
            gate.pass();
            if (empty_left == 0) return reader.poll(1, bytes_max);
            if (--empty_left == 0 && signal != nullptr) signal->notify();
            return bus::RecordBatch{};
        };
    }

    mutable std::mutex mutex_;
    std::vector<bus::PartitionId> opened_;  // guarded by mutex_
};

}  // namespace tests
