// A misspelt setting in the environment does nothing; this finds it.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace tools {

// Names in `environment` (as environ) that begin with TRIBUTARY_ and that no option of any
// subcommand takes: one file of settings may serve several of them.
std::vector<std::string> unknown_settings(const CLI::App& program, const char* const* environment);

}  // namespace tools
