// What becomes of expiry, as metrics and log lines.
#pragma once

#include "bus/ids.hpp"

#include <string>
#include <vector>

namespace tools::retention {

struct RetentionProbe {
    static void pause_left(bus::microseconds uptime);  // 0: it does not pause
    static void pauses(std::string_view reason);
    static void goes_on();
    static void clock_not_kept(const bus::Error& error);
    static void keeps_damaged(const std::vector<std::string>& places);  // of one run; none: nothing
};

}  // namespace tools::retention
