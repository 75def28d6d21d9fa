// A segment file in readable form, for `tributary dump` and `doctor`. Never shows keys' or bodies'
// content: sizes, addresses and checks only.
#pragma once

#include "bus/result.hpp"

#include <filesystem>
#include <functional>
#include <string_view>

namespace bus::embedded {

struct DumpOptions {
    bool records = true;  // a line for each record, not only for each frame
};

// Calls `line` for the header, each frame and record, and the footer. Checks everything on the way:
// corrupt after the last line that could be shown. Works beside a running process for full
// segments.
Result<Done> dump_segment(const std::filesystem::path& file, const DumpOptions& options,
                          const std::function<void(std::string_view)>& line);

}  // namespace bus::embedded
