// How far work is, on standard error: a bar where somebody looks, else JSON lines.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace tools::jobs {

inline constexpr double told_speed_min_s = 0.05;  // no speed is told of less

class ProgressLine {
public:
    ProgressLine();

    void phase(std::string_view name, std::uint64_t total, std::string_view unit);
    void advance(std::uint64_t count);  // any thread
    // The same from a job that is watched: a new phase begins when its name changes.
    void show(std::string_view phase, std::uint64_t done, std::uint64_t total,
              std::string_view unit);
    void end();  // prints the last state once more

private:
    using Clock = std::chrono::steady_clock;
    bool due();
    void print(bool last);

    const bool terminal_;
    std::string phase_, unit_;
    std::uint64_t total_ = 0;
    std::atomic<std::uint64_t> done_{0};
    Clock::time_point phase_start_ = Clock::now();
    std::atomic<std::int64_t> next_print_{0};  // of Clock, in its ticks
};

}  // namespace tools::jobs
