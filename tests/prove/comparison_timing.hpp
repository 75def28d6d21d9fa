// Whether a comparison tells by its time where two texts differ: Welch's t over many comparisons,
// in random turns, of texts that are wrong at their first byte and at their last.
#pragma once

#include <functional>
#include <random>
#include <string>

namespace tests::prove {

inline constexpr double t_max = 4.5;  // what leaks stands far above, chance reaches it never

// `presented` holds what would be believed, and a wrong one whenever `believes` is called. A
// positive t: the last byte takes longer.
double timing_t(std::string& presented, std::size_t first_byte, std::size_t last_byte,
                const std::function<bool()>& believes, std::mt19937_64& random);

}  // namespace tests::prove
