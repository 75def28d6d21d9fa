// A customer as a person writes one in a path or filter: a phone number in any format, an email,
// either of them behind its kind ("phone:098 765 43210"), or another key such as "whatsapp:US.1349"
// or "external:shop:cus_1".
#pragma once

#include <string>
#include <string_view>

namespace projections::api {

// The key that rows are kept by; national numbers are of `country`. Text that is nothing of this is
// given back as a phone key that matches nothing.
std::string customer_key_of_text(std::string_view text, std::string_view country);

}  // namespace projections::api
