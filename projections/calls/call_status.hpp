// The states of a call as a lattice: ringing < in_progress < answered < those that end it.
#pragma once

#include <cstdint>
#include <string_view>

namespace projections::calls {

enum class CallStatus : std::uint8_t {
    unknown,  // a word that no mapping knows: below all, it changes nothing
    ringing,
    in_progress,
    answered,
    completed,
    missed,
    hangup,
    busy,
    no_answer,
    failed,
    voicemail,
};

std::string_view name(CallStatus status);
CallStatus parse_call_status(std::string_view word);  // unknown when it is none of these

// How far a call has come; all that end it are equally far.
constexpr int rank(CallStatus status) {
    return status < CallStatus::completed ? static_cast<int>(status)
                                          : static_cast<int>(CallStatus::completed);
}
constexpr bool has_ended(CallStatus status) {
    return status >= CallStatus::completed;
}
constexpr bool is_live(CallStatus status) {
    return status != CallStatus::unknown && !has_ended(status);
}

}  // namespace projections::calls
