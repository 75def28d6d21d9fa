// Whether a comparison tells by its time where two texts differ: Welch's t over many comparisons,
// in random turns, of texts that are wrong at their first byte and at their last.
#pragma once

#include <functional>
#include <random>
#include <string>

namespace tests::prove {

// By how much longer it takes when the last byte is the wrong one.
struct TimingDifference {
    double t = 0;   // Welch's
    double ns = 0;  // of the means
    // What chance never reaches, and more than where code and text happen to lie makes of 400,000
    // turns: tenths of a nanosecond, the same all through one run, either way in the next.
    bool tells() const { return t >= 4.5 && ns >= 1; }
};

// `presented` holds what would be believed, and a wrong one whenever `believes` is called.
TimingDifference timing_difference(std::string& presented, std::size_t first_byte,
                                   std::size_t last_byte, const std::function<bool()>& believes,
                                   std::mt19937_64& random);

}  // namespace tests::prove
