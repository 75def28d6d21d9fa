// What a replay is asked to do (POST /v1/replays, POST /v1/projections/:name/rebuild, `tributary
// replay`), as JSON:
//   {"projections": [name]?, "tenant"?: code, "source"?: slug, "from"?, "to"?: time or date,
//    "types"?: [pattern], "mapping"?: "live"|"stamped"|"latest", "rate"?: events per second,
//    "dry_run"?, "resume"?, "switch"?, "without_expired"?: bool,
//    "switch_when_behind_less_than_s"?: number}
#pragma once

#include "bus/ids.hpp"

#include <optional>
#include <string>
#include <vector>

namespace tools::replay {

// How the records that the filters choose are read: as the live rows were built from them, as they
// were stamped when they came, or as sources are mapped now.
enum class Reading : std::uint8_t { live, stamped, latest };
std::string_view name(Reading reading);

struct ReplayRequest {
    std::vector<std::string> projections{};  // empty = all
    std::string tenant{};                    // code
    std::string source{};                    // slug
    std::optional<bus::Timestamp> from{}, to{};
    std::vector<std::string> types{};
    Reading mapping = Reading::live;
    std::uint64_t rate = 0;  // 0 = none
    bool dry_run = false;
    bool resume = false;
    bool switch_over = false;
    bool without_expired = false;  // see GenerationControl::switch_over
    std::optional<bus::milliseconds> switch_when_behind_less_than{};

    bool switches() const { return switch_over || switch_when_behind_less_than; }
};

// invalid_input: says which member is wrong. Unknown members are refused.
bus::Result<ReplayRequest> parse_replay_request(std::string_view json);
std::string to_json(const ReplayRequest& request);

// "2026-01-01" (midnight UTC) or a time with offset.
bus::Result<bus::Timestamp> parse_day_or_time(std::string_view text);

}  // namespace tools::replay
