// Completes a Program with the values of a source's record.
#pragma once

#include "schemas/mapping.hpp"
#include "schemas/mapping/program.hpp"

namespace schemas::mapping {

// What a program uses of a source's record. `text` is for the stamp: equal settings as far as they
// are used give equal texts.
struct UsedSettings {
    std::string text;
    SourceSettings settings;  // bound to these alone, the program and its text are the same
};

// invalid_input names the value that does not fit.
bus::Result<UsedSettings> bind(Program& program, const SourceSettings& settings);

}  // namespace schemas::mapping
