// Who a customer is: the connected component around a key, computed from the evidence.
#pragma once

#include "projections/projection.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace projections {

inline constexpr std::size_t customer_keys_max = 64;

struct Customer {
    std::string id;                  // "cus_...", made from the first key
    std::vector<std::string> keys;   // as customer_key() gives them, strongest first
    std::vector<std::string> names;  // newest first, each once
};

// Links are added verified first, then by time, then by event id; one is left out when it would
// give the customer two external ids of one system, or more than customer_keys_max keys. A key
// never seen is a customer of that key alone.
Customer resolve_customer(const ReadView& identity, std::string_view customer_key);

// Whether something that was folded gave it a name or a link.
bool knows_key(const ReadView& identity, std::string_view customer_key);

// {"id","keys":[{"kind","key"}],"name"?,"names":[..]}
std::string to_json(const Customer& customer);

}  // namespace projections
