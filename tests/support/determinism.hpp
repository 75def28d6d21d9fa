// Law 5 and law 3 as one question: does a log give the same bytes, however it is read?
//
// A seed makes a log (real payloads of all providers, late, copied, damaged) and folds it many
// ways: topics interleaved at random, batches of 1 to 2,048, a crash between any two, an older
// consistent store after a power cut, records seen again, a generation built beside and joined.
#pragma once

#include "projections/projection.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace tests {

// "" = every way gives the same bytes in every table; else where the first difference is.
std::string determinism_problem(std::uint64_t seed,
                                const std::vector<const projections::Projection*>& projections);

}  // namespace tests
