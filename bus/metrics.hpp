// Counters, gauges and histograms in the Prometheus text format 0.0.4.
//
// Only probes (`*_probe.hpp`) name metrics. Labels are small closed sets, given as text:
// `topic="chat"`. Threads: updates are lock-free; registration and rendering take a mutex.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace bus::metrics {

class Counter {
public:
    void add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
    std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

class Gauge {
public:
    void set(double v) { value_.store(v, std::memory_order_relaxed); }
    double value() const { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<double> value_{0};
};

// Buckets double from 100 us to 26 s.
class Histogram {
public:
    static constexpr std::size_t buckets = 19;
    void observe_seconds(double v);
    std::uint64_t bucket(std::size_t i) const { return counts_[i].load(std::memory_order_relaxed); }
    static double upper_bound_seconds(std::size_t i);
    double sum_seconds() const { return static_cast<double>(sum_us_.load()) / 1e6; }

private:
    std::array<std::atomic<std::uint64_t>, buckets + 1> counts_{};
    std::atomic<std::uint64_t> sum_us_{0};
};

// The same name and labels give the same object, for the life of the process.
Counter& counter(std::string_view name, std::string_view labels, std::string_view help);
Gauge& gauge(std::string_view name, std::string_view labels, std::string_view help);
Histogram& histogram(std::string_view name, std::string_view labels, std::string_view help);

std::string render();

}  // namespace bus::metrics
