// Folders whose names survive a power cut. What is synced in a folder is lost all the same where
// the folder's own name is not on the disk yet.
//
// Errors: unavailable, with the system's reason and the folder's name.
#pragma once

#include "bus/result.hpp"

#include <filesystem>

namespace bus {

// Makes what is missing of the path, each name durable when this returns. One that is there may
// have been made by a process that died at once: its name is made durable too, where the folder
// above may be read.
Result<Done> make_folder_durably(const std::filesystem::path& folder);

// What was made, renamed and removed in the folder, though not in those below it, is durable when
// this returns.
Result<Done> sync_names_in(const std::filesystem::path& folder);

}  // namespace bus
