// What a Program takes in memory, near enough to bound how many are kept.
#pragma once

#include "schemas/mapping/program.hpp"

namespace schemas::mapping {

std::size_t bytes_of(const Program& program);

}  // namespace schemas::mapping
