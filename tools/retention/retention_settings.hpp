// How long the bodies of raw records are kept, for the whole installation (DESIGN 4.1).
//
// DIR/retention holds a line per limited topic, "chat=31536000" (seconds). A topic without one is
// kept for ever, and so are facts, control and keys in any case.
#pragma once

#include "bus/topic.hpp"

#include <filesystem>
#include <map>

namespace tools::retention {

inline constexpr std::string_view settings_name = "retention";
inline constexpr bus::seconds keep_min{1};
inline constexpr bus::seconds keep_max{100LL * 365 * 24 * 3600};

using Settings = std::map<bus::Topic, bus::seconds>;

bus::Result<Settings> read_settings(const std::filesystem::path& data);  // corrupt
// Whole or not at all.
bus::Result<bus::Done> write_settings(const std::filesystem::path& data, const Settings& settings);

// "chat": a topic that may be limited. invalid_input names those that may.
bus::Result<bus::Topic> parse_limited_topic(std::string_view text);
// "365d", "12h", "30m", "90s", within the bounds above.
bus::Result<bus::seconds> parse_age(std::string_view text);
std::string age_text(bus::seconds age);  // the shortest of these

}  // namespace tools::retention
