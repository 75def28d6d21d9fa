#include "tools/retention/daily_retention.hpp"

#include "bus/logging.hpp"

namespace tools::retention {

namespace {

void apply_settings(const RetentionPorts& ports) {
    auto settings = read_settings(ports.data);
    if (settings && settings->empty()) return;
    auto started = settings ? start_retention(ports, *std::move(settings), {.commit = true})
                            : bus::Result<std::string>(settings.error());
    if (!started)
        bus::logging::warn("retention_not_applied", {{"reason", started.error().message}});
}

}  // namespace

DailyRetention::DailyRetention(RetentionPorts ports)
    : ports_(std::move(ports)), thread_([this] { run(); }) {}

DailyRetention::~DailyRetention() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void DailyRetention::run() {
    std::unique_lock lock(mutex_);
    auto due = std::chrono::steady_clock::now() + apply_first_after;
    while (!changed_.wait_for(lock, clock_look_interval, [this] { return stopping_; })) {
        lock.unlock();
        const bool is_believed = !ports_.clock || ports_.clock->now();
        if (const auto now = std::chrono::steady_clock::now(); is_believed && now >= due) {
            apply_settings(ports_);
            due = now + apply_interval;
        }
        lock.lock();
    }
}

}  // namespace tools::retention
