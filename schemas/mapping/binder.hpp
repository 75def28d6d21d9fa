// Completes a Program with the values of a source's record.
#pragma once

#include "schemas/mapping.hpp"
#include "schemas/mapping/program.hpp"

namespace schemas::mapping {

// Returns the values that the program uses, as text for the stamp: equal settings as far as they
// are used give equal texts. invalid_input names the value that does not fit.
bus::Result<std::string> bind(Program& program, const SourceSettings& settings);

}  // namespace schemas::mapping
