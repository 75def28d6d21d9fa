// How subcommands print the report of a job.
#pragma once

#include "bus/result.hpp"

#include <string>

namespace tools {

// A JSON object as one name=value line per member; the elements of an array each on a line of
// their own. Gives the exit code; an error is printed for a person.
int print_report(const bus::Result<std::string>& report_text);

}  // namespace tools
