// Numbers of librdkafka's statistics (STATISTICS.md): a JSON text of its own making, so this walks
// it without judging it. Anything that is not such a text yields fewer numbers, never an error.
#pragma once

#include <functional>
#include <string_view>

namespace bus::kafka {

// Visits each number in an object with its path: "msg_cnt", "brokers/host:9092/1/rtt/p99".
void scan_numbers(std::string_view json,
                  const std::function<void(std::string_view path, double value)>& visit);

}  // namespace bus::kafka
