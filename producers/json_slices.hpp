// The exact bytes of values inside a JSON array or object, for passing each on as it came. The text
// must have been validated: this only finds where values end.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

namespace producers {

void each_element_slice(std::string_view array, const std::function<void(std::string_view)>& visit);
// The value of the object's member of this number, in their order; "" if there is none.
std::string_view member_slice(std::string_view object, std::size_t number);

}  // namespace producers
