#include "bus/logging.hpp"

#include "bus/clock.hpp"

#include <atomic>
#include <cstdio>
#include <map>
#include <mutex>

namespace bus::logging {
namespace {

constexpr int lines_per_second_max = 10;

std::atomic<Level> least_level{Level::info};
std::atomic<Format> line_format{Format::key_value};

constexpr std::string_view level_name(Level level) {
    switch (level) {
        case Level::debug:
            return "debug";
        case Level::info:
            return "info";
        case Level::warn:
            return "warn";
        case Level::error:
            return "error";
    }
    return "";
}

std::string json_text(std::string_view value) {
    std::string out = "\"";
    for (char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\')
            (out += '\\') += c;
        else if (byte < 0x20)
            out += fmt::format("\\u{:04x}", byte);
        else
            out += c;
    }
    return out + '"';
}

std::string key_value_form(std::string_view value) {
    const bool plain =
        !value.empty() && value.find_first_of(" \t\r\n\"=\\") == std::string_view::npos;
    return plain ? std::string(value) : json_text(value);
}

struct Rate {
    std::int64_t second = 0;
    int lines = 0;
    int held_back = 0;
};

// How many lines of this event were held back before this one; nothing if this one is held back
// too.
std::optional<int> admit(std::string_view event, std::int64_t second) {
    static std::mutex mutex;
    static std::map<std::string, Rate, std::less<>> rates;
    std::lock_guard lock(mutex);
    Rate& rate = rates.try_emplace(std::string(event)).first->second;
    if (rate.second != second) rate = {second, 0, rate.held_back};
    if (++rate.lines > lines_per_second_max) return ++rate.held_back, std::nullopt;
    return std::exchange(rate.held_back, 0);
}

}  // namespace

void configure(Level least, Format format) {
    least_level = least;
    line_format = format;
}

void write(Level level, std::string_view event, std::initializer_list<Pair> pairs) {
    if (level < least_level.load(std::memory_order_relaxed)) return;
    const Timestamp now = system_clock().now();
    const auto held_back = admit(event, now.time_since_epoch().count() / 1'000'000);
    if (!held_back) return;
    const bool json = line_format.load(std::memory_order_relaxed) == Format::json;
    std::string line =
        json ? fmt::format(R"({{"time":"{}","level":"{}","event":"{}")", to_iso(now),
                           level_name(level), event)
             : fmt::format("time={} level={} event={}", to_iso(now), level_name(level), event);
    const auto add = [&](std::string_view key, const std::string& value) {
        line += json ? fmt::format(R"(,"{}":{})", key, json_text(value))
                     : fmt::format(" {}={}", key, key_value_form(value));
    };
    for (const Pair& pair : pairs) add(pair.key, pair.value);
    if (*held_back > 0) add("held_back", std::to_string(*held_back));
    line += json ? "}\n" : "\n";
    std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace bus::logging
