// Which way a message or call went. Messages and mails say in and out, calls inbound and outbound.
#pragma once

#include <string_view>

namespace projections {

constexpr bool is_inbound(std::string_view word) {
    return word == "in" || word == "inbound";
}
constexpr bool is_outbound(std::string_view word) {
    return word == "out" || word == "outbound";
}

}  // namespace projections
