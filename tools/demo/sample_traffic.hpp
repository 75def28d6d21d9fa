// What a small company sees in a week: chats with receipts, calls, subscriptions, mail threads,
// orders, of customers who use several channels.
#pragma once

#include "tools/demo/sample_text.hpp"

namespace tools::demo {

struct SampleCustomer {
    std::string id, name, national, digits, email;  // digits: with the country code, no +
};
inline constexpr std::size_t customer_count = 12;
SampleCustomer sample_customer(std::size_t index);

struct SampleEvent {
    bus::Timestamp at{};
    std::string slug;  // of its source; "" = the tenant's own programs (/v1/events)
    std::string id;
    std::string body;  // or the query string
    bool is_query = false;
    std::string content_type = "application/json";
};

// In the order of their times, over the week that ends at `now`. Equal for equal `now`.
std::vector<SampleEvent> sample_traffic(bus::Timestamp now);

}  // namespace tools::demo
