// Small files and names that survive a power cut once they have been written.
//
// Errors: unavailable, with the system's reason and the file's name.
#pragma once

#include "bus/result.hpp"

#include <filesystem>
#include <string_view>

namespace bus {

// However many writes it takes; false where one fails, errno says why.
bool write_all(int descriptor, std::string_view bytes);

// Whole or not at all: written beside as `file`.new, synced, renamed. It is the owner's alone to
// read. After an error the file is what it was, or the new one whose name may still be lost; what
// lies beside is written over the next time.
Result<Done> write_durably(const std::filesystem::path& file, std::string_view text);

// `from`, a file or a folder on the same file system, takes the name `to`.
Result<Done> rename_durably(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace bus
