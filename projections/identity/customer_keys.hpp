// The keys under which rows of a customer are kept, as text: "phone:+919812345678",
// "email:a@b.in", "whatsapp:US.1349", "external:shop:cus_1".
//
// A WhatsApp id made of digits is the phone number and is kept as such, so that both name the same
// rows without a link. Phone comes first, then email, whatsapp user id, external.
#pragma once

#include "schemas/event.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace projections {

inline constexpr std::size_t keys_per_event_max = 16;
inline constexpr std::size_t customer_key_bytes_max = 256;  // a longer one names nobody

std::string customer_key(const schemas::IdentityKey& key);

// Those that the mapping named and the fields customer_phone and customer_email; strongest first,
// each once. The first is the one that conversations are kept by.
std::vector<std::string> customer_keys(const schemas::Event& event);

// Strongest kind first, then by text: the order by which a customer's first key is found.
bool comes_before(std::string_view key, std::string_view other);

}  // namespace projections
