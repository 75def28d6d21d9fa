// Which readers want to hear of new records.
#pragma once

#include "bus/log.hpp"
#include "bus/slots.hpp"

#include <algorithm>
#include <mutex>
#include <vector>

namespace bus::embedded {

// Threads: any. No signal is notified after remove() returned.
class ReaderSignals {
public:
    void add(const void* reader, Signal* signal, std::vector<bool> slots) {
        std::lock_guard lock(mutex_);
        listeners_.push_back({reader, signal, std::move(slots)});
    }
    void remove(const void* reader) {
        std::lock_guard lock(mutex_);
        std::erase_if(listeners_, [reader](const Listener& l) { return l.reader == reader; });
    }
    // One notification per signal, however many of its readers are concerned.
    void notify(const std::vector<std::size_t>& slots) {
        std::lock_guard lock(mutex_);
        notified_.clear();
        for (const Listener& listener : listeners_) {
            if (std::find(notified_.begin(), notified_.end(), listener.signal) != notified_.end())
                continue;
            if (std::none_of(slots.begin(), slots.end(),
                             [&](std::size_t slot) { return listener.slots[slot]; }))
                continue;
            listener.signal->notify();
            notified_.push_back(listener.signal);
        }
    }

private:
    struct Listener {
        const void* reader;
        Signal* signal;
        std::vector<bool> slots;
    };
    std::mutex mutex_;
    std::vector<Listener> listeners_;  // guarded by mutex_, as all below
    std::vector<Signal*> notified_;
};

}  // namespace bus::embedded
