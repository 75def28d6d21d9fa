// What happened between us and the brokers, as metrics and log lines.
#pragma once

#include <string_view>

namespace bus::kafka {

struct KafkaProbe {
    static void statistics(std::string_view json);  // of a producer, every 5 s
    static void reachable(bool now, std::string_view brokers);
    static void producer_replaced();
};

}  // namespace bus::kafka
