// Whose the files of a folder are: a service's, while root now and then works in it offline.
#pragma once

#include "bus/result.hpp"

#include <filesystem>
#include <string>

namespace tools {

// Gives `folder` and what is in it, where it is root's, to the owner of `like`, where that is
// another user and this process is root; else does nothing. Nothing outside of the folder is
// reached by links of either kind. What it cannot give away it logs.
void give_to_owner_of(const std::filesystem::path& like, const std::filesystem::path& folder);

// All of a file. not_found: only where nothing is there; else the message has the remedy.
bus::Result<std::string> read_kept(const std::filesystem::path& file);

// For a message, of a file that this process may not read: who could, and the remedy. "" where
// rights are not what is missing.
std::string missing_right(const std::filesystem::path& file);

}  // namespace tools
