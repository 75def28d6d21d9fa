// The exact bytes of a JSON array's elements, for passing each on as it came. The text must have
// been validated: this only finds where values end.
#pragma once

#include <functional>
#include <string_view>

namespace producers {

void each_element_slice(std::string_view array, const std::function<void(std::string_view)>& visit);

}  // namespace producers
