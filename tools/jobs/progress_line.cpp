#include "tools/jobs/progress_line.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace tools::jobs {

namespace {

constexpr std::size_t bar_width = 30;
constexpr std::chrono::milliseconds bar_every{100};
constexpr std::chrono::milliseconds line_every{1'000};

std::string duration_text(std::uint64_t seconds) {
    if (seconds < 60) return fmt::format("{} s", seconds);
    if (seconds < 3600) return fmt::format("{} min {:02} s", seconds / 60, seconds % 60);
    return fmt::format("{} h {:02} min", seconds / 3600, seconds / 60 % 60);
}

}  // namespace

ProgressLine::ProgressLine() : terminal_(::isatty(STDERR_FILENO) == 1) {}

void ProgressLine::phase(std::string_view name, std::uint64_t total, std::string_view unit) {
    if (!phase_.empty()) print(true);
    phase_ = name;
    unit_ = unit;
    total_ = total;
    done_ = 0;
    phase_start_ = Clock::now();
}

void ProgressLine::advance(std::uint64_t count) {
    done_ += count;
    if (due()) print(false);
}

void ProgressLine::show(std::string_view name, std::uint64_t done, std::uint64_t total,
                        std::string_view unit) {
    if (name != phase_) phase(name, total, unit);
    total_ = total;
    done_ = done;
    if (due()) print(false);
}

void ProgressLine::end() {
    if (!phase_.empty()) print(true);
    phase_.clear();
}

// One thread wins; the others go on working.
bool ProgressLine::due() {
    const std::int64_t now = Clock::now().time_since_epoch().count();
    std::int64_t next = next_print_;
    if (now < next) return false;
    const auto pause =
        std::chrono::duration_cast<Clock::duration>(terminal_ ? bar_every : line_every);
    return next_print_.compare_exchange_strong(next, now + pause.count());
}

void ProgressLine::print(bool last) {
    const double elapsed = std::chrono::duration<double>(Clock::now() - phase_start_).count();
    const std::uint64_t done = done_;
    const double per_second = elapsed >= told_speed_min_s ? static_cast<double>(done) / elapsed : 0;
    const bool timed = total_ > done && per_second > 0;
    const auto left =
        timed ? static_cast<std::uint64_t>(static_cast<double>(total_ - done) / per_second) + 1 : 0;
    if (!terminal_) {
        fmt::print(stderr,
                   R"({{"phase":"{}","done":{},"total":{},"unit":"{}","per_second":{:.0f},)"
                   R"("elapsed_s":{:.1f},"eta_s":{}}})"
                   "\n",
                   phase_, done, total_, unit_, per_second, elapsed, left);
        return;
    }
    const std::size_t filled =
        total_ > 0 ? static_cast<std::size_t>(bar_width * std::min(done, total_) / total_) : 0;
    fmt::print(
        stderr, "\r\x1b[K{} [{:-<{}}] {}/{} {}  {:.0f}/s  {}{}", phase_, std::string(filled, '#'),
        bar_width, done, total_ > 0 ? std::to_string(total_) : "?", unit_, per_second,
        timed ? duration_text(left) + " left" : duration_text(static_cast<std::uint64_t>(elapsed)),
        last ? "\n" : "");
    std::fflush(stderr);
}

}  // namespace tools::jobs
