// How a record that was copied from another log says that its body had been erased there.
#pragma once

#include "bus/headers.hpp"

namespace bus {

namespace header {
inline constexpr std::string_view erased = "tr_erased";
inline constexpr std::string_view expired = "tr_expired";  // by retention
}  // namespace header

// Of a record with this body.
inline bool says_expired(std::string_view body, HeadersView headers) {
    return body.empty() && headers.find(header::expired).has_value();
}
inline bool says_erased(std::string_view body, HeadersView headers) {
    return body.empty() && (headers.find(header::erased) || headers.find(header::expired));
}

}  // namespace bus
