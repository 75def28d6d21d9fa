// Folders that a request names for what the serving process is to write: it may not be allowed to,
// or see another folder under that name than who asks.
#pragma once

#include "bus/result.hpp"

#include <filesystem>

namespace tools {

// Makes it where it is not there. unavailable: this process may not write there; says where it may.
bus::Result<bus::Done> make_output_folder(const std::filesystem::path& folder);

// For who asked, when the serving process has written it. conflict: here it is not there, so it is
// in a place that is that process's alone and may go with it.
bus::Result<bus::Done> must_be_seen_here(const std::filesystem::path& folder);

}  // namespace tools
