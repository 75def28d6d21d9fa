// What to try when the demo stands.
#pragma once

#include "tools/demo/demo_sources.hpp"

#include <string>

namespace tools::demo {

// Addresses, key and five commands, each one line that works as it is printed.
std::string ending_text(const Platform& platform, const DemoTenant& tenant);

}  // namespace tools::demo
