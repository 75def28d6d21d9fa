// Every projection of the product, in the order their folds run. Adding one means adding it here.
#pragma once

#include "projections/projection.hpp"

#include <vector>

namespace tools {

// The projections live as long as the process.
std::vector<const projections::Projection*> all_projections();

}  // namespace tools
