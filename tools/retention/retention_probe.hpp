// What becomes of expiry, as metrics and log lines.
#pragma once

#include "bus/ids.hpp"

namespace tools::retention {

struct RetentionProbe {
    static void pause_left(bus::microseconds uptime);  // 0: it does not pause
    static void pauses(std::string_view reason);
    static void goes_on();
    static void clock_not_kept(const bus::Error& error);
};

}  // namespace tools::retention
