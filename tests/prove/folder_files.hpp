// Every file below a folder with its bytes, to see that a refused start has changed nothing.
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace tests::prove {

using FolderFiles = std::map<std::string, std::string>;  // bytes by name below the folder

FolderFiles files_of(const std::filesystem::path& folder);
// "", "wrote NAME" or "removed NAME". The note of who served may go,
// and a journal's lock names who holds it.
std::string change_of(const FolderFiles& before, const FolderFiles& now);

}  // namespace tests::prove
