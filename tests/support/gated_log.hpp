// A log whose readers give one record at a time, and none while its gate is shut. Like one that has
// yet to fetch, they may give nothing at first.
#pragma once

#include "tests/support/forwarding_log.hpp"

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

class GatedLog final : public ForwardingLog {
public:
    using ForwardingLog::ForwardingLog;

    bus::Result<std::unique_ptr<bus::Reader>> open_reader(
        const bus::ReaderOptions& options) override {
        {
            std::lock_guard lock(mutex_);
            opened_.push_back(options.partition);
        }
        auto reader = ForwardingLog::open_reader(options);
        if (!reader) return reader.error();
        return std::unique_ptr<bus::Reader>(
            std::make_unique<GatedReader>(*std::move(reader), gate, empty_polls, options.signal));
    }
    std::vector<bus::PartitionId> opened() const {  // partitions, in order
        std::lock_guard lock(mutex_);
        return opened_;
    }

    Gate gate;
    int empty_polls = 0;  // of each reader, before its first record

private:
    class GatedReader final : public bus::Reader {
    public:
        GatedReader(std::unique_ptr<bus::Reader> reader, Gate& gate, int empty_polls,
                    bus::Signal* signal)
            : reader_(std::move(reader)), gate_(gate), empty_polls_(empty_polls), signal_(signal) {}
        bus::Result<bus::RecordBatch> poll(std::size_t, std::size_t bytes_max) override {
            gate_.pass();
            if (empty_polls_ == 0) return reader_->poll(1, bytes_max);
            if (--empty_polls_ == 0 && signal_ != nullptr) signal_->notify();
            return bus::RecordBatch{};
        }

    private:
        const std::unique_ptr<bus::Reader> reader_;
        Gate& gate_;
        int empty_polls_;
        bus::Signal* const signal_;
    };

    mutable std::mutex mutex_;
    std::vector<bus::PartitionId> opened_;  // guarded by mutex_
};

}  // namespace tests
