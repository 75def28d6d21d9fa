// What the stores of a serving process share: for the platform, and for what measures it.
#pragma once

#include <cstddef>

namespace tools {

inline constexpr std::size_t cached_rows_max = 24'000;  // decoded, all partitions: about 50 MB

}  // namespace tools
