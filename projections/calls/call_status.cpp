#include "projections/calls/call_status.hpp"

#include <algorithm>
#include <array>

namespace projections::calls {

namespace {

constexpr std::array<std::string_view, 11> names = {
    "unknown", "ringing", "in_progress", "answered", "completed", "missed",
    "hangup",  "busy",    "no_answer",   "failed",   "voicemail"};

}  // namespace

std::string_view name(CallStatus status) {
    return names[static_cast<std::size_t>(status)];
}

CallStatus parse_call_status(std::string_view word) {
    const auto found = std::find(names.begin(), names.end(), word);
    return found == names.end() ? CallStatus::unknown
                                : static_cast<CallStatus>(found - names.begin());
}

}  // namespace projections::calls
