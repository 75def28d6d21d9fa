// What stands on the disk, where "it is not there" and "nobody can say" are two answers: who takes
// one for the other goes on without what is there.
//
// Errors: unavailable, with the system's reason and the name.
#pragma once

#include "bus/result.hpp"

#include <filesystem>
#include <vector>

namespace bus {

Result<bool> is_there(const std::filesystem::path& path);

// Of the folder, sorted; none where there is no folder.
Result<std::vector<std::filesystem::path>> entries_of(const std::filesystem::path& folder);

}  // namespace bus
