// Folders whose names survive a power cut. What is synced in a folder is lost all the same where
// the folder's own name is not on the disk yet.
#pragma once

#include "bus/result.hpp"

#include <filesystem>

namespace bus {

// Makes what is missing of the path, each name durable when this returns. One that is there may
// have been made by a process that died at once: its name is made durable too, where the folder
// above may be read. Errors: unavailable, with the system's reason and the folder's name.
Result<Done> make_folder_durably(const std::filesystem::path& folder);

}  // namespace bus
