// What following `.control` does, as metrics and log lines.
#pragma once

#include "bus/result.hpp"

namespace schemas {

struct ControlProbe {
    static void follows();
    static void read_failed(const bus::Error& error);  // it is tried again
    static void stands_still(const bus::Error& why);   // until the process is started again
};

}  // namespace schemas
