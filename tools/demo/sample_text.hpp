// The samples' texts (tools/demo/samples, held by the program) and their placeholders.
#pragma once

#include "bus/ids.hpp"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tools::demo {

std::vector<std::pair<std::string, std::string>> embedded_samples();

using Values = std::map<std::string, std::string, std::less<>>;

// "name.iso", ".naive" (UTC without Z), ".unix" (seconds), ".india" (wall time), ".mail" (RFC
// 5322).
void add_time(Values& values, const std::string& name, bus::Timestamp time);
std::string india_time(bus::Timestamp time);

// The text of a sample file with every {{name}} replaced; in .query and .form files
// percent-encoded. Asserts that the file and all its names are there: samples are part of the
// program.
std::string fill_sample(std::string_view file, const Values& values);

}  // namespace tools::demo
