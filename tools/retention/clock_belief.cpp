#include "tools/retention/clock_belief.hpp"

#include <charconv>

namespace tools::retention {

namespace {

using bus::ErrorCode;
using bus::Result;

std::string_view line_of(std::string_view text, std::string_view name) {
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        if (line.starts_with(name) && line.substr(name.size()).starts_with('='))
            return line.substr(name.size() + 1);
        text.remove_prefix(std::min(text.size(), line.size() + 1));
    }
    return {};
}

}  // namespace

ClockBelief after_look(const ClockBelief& before, bus::Timestamp wall, bus::microseconds uptime) {
    if (wall <= before.believed + uptime + clock_ahead_max) return believing(wall);
    const bool has_jumped = wall > before.seen + uptime + clock_ahead_max;
    const bool begins = has_jumped || before.pause_left.count() == 0;
    const bus::microseconds left = begins ? clock_pause : before.pause_left - uptime;
    if (left.count() <= 0) return believing(wall);
    return {.believed = before.believed + uptime, .seen = wall, .pause_left = left};
}

std::string to_text(const ClockBelief& belief) {
    return fmt::format("believed={}\nseen={}\npause_left_us={}\n", bus::to_iso(belief.believed),
                       bus::to_iso(belief.seen), belief.pause_left.count());
}

Result<ClockBelief> parse_clock_belief(std::string_view text) {
    const auto believed = bus::from_iso(line_of(text, "believed"));
    const auto seen = bus::from_iso(line_of(text, "seen"));
    const std::string_view left = line_of(text, "pause_left_us");
    std::int64_t left_us = -1;
    const auto parsed = std::from_chars(left.data(), left.data() + left.size(), left_us);
    const bool is_whole = parsed.ec == std::errc{} && parsed.ptr == left.data() + left.size();
    if (!believed || !seen || !is_whole || left_us < 0 ||
        bus::microseconds{left_us} > bus::microseconds{clock_pause})
        return bus::fail(ErrorCode::corrupt, "that does not tell what was seen of the wall clock");
    return ClockBelief{*believed, *seen, bus::microseconds{left_us}};
}

}  // namespace tools::retention
