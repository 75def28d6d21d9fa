// By which countries a mapping reads national phone numbers.
#pragma once

#include "schemas/mapping.hpp"
#include "schemas/mapping/country.hpp"

#include <vector>

namespace schemas::mapping {

// In no order, some of them more than once; numbers are international too.
std::vector<Country> phone_countries(const BoundMapping& bound);

}  // namespace schemas::mapping
