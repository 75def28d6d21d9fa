// DIR/demo.json (0600): what the demo did to this data folder.
#pragma once

#include "bus/ids.hpp"
#include "bus/result.hpp"

#include <filesystem>
#include <string>

namespace tools::demo {

struct DemoState {
    bus::Timestamp now{};  // what "now" is in all samples: the same after a crash
    std::string api_key;   // of the tenant; "" until it exists
    bool done = false;     // everything was sent and reached the rows
};

// A folder without the file gives a state without times and keys; invalid_input: not readable.
bus::Result<DemoState> read_state(const std::filesystem::path& data);

// Replaces the file in one step.
bus::Result<bus::Done> write_state(const std::filesystem::path& data, const DemoState& state);

}  // namespace tools::demo
