#include "tools/replay/rebuild_watch.hpp"

namespace tools::replay {

RebuildWatch::RebuildWatch(RebuildPorts ports, bus::milliseconds interval)
    : ports_(std::move(ports)),
      interval_(interval),
      attended_(ports_.stores_rebuilt()),
      thread_([this] { run(); }) {}

RebuildWatch::~RebuildWatch() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void RebuildWatch::run() {
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, interval_, [this] { return stopping_; })) {
        lock.unlock();
        const std::uint64_t rebuilt = ports_.stores_rebuilt();
        if (rebuilt != attended_ && ports_.start()) attended_ = rebuilt;
        lock.lock();
    }
}

}  // namespace tools::replay
