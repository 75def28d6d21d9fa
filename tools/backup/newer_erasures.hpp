// The decisions to erase of a newer log, taken over into one that was restored from an older copy.
#pragma once

#include "bus/log.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace tools::backup {

// Appends those that `restored` lacks, in their order, and gives the ids of their erasures: what
// the newer log refused, as under a legal hold, is none. What they relied on no longer counts.
// Records that the copy does not hold are left out, since others will come to stand in their
// places; so are decisions about such records only, or about clients that it does not know. Errors:
// corrupt, unavailable, and those of the two logs.
bus::Result<std::vector<std::string>> take_over_erasures(
    bus::Log& restored, const std::filesystem::path& newer_journal);

}  // namespace tools::backup
