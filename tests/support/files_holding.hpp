// How often a text stands in the bytes of files: proof that something is gone from a disk.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace tests {

// The whole file at once; "" if it cannot be read. Prepared journal segments are large: no
// iterators.
inline std::string bytes_of(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary | std::ios::ate);
    std::string bytes(in ? static_cast<std::size_t>(in.tellg()) : 0, '\0');
    in.seekg(0).read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return bytes;
}

// In all files below `folder`; some may go meanwhile.
inline std::size_t count_in_files(const std::filesystem::path& folder, std::string_view text) {
    std::size_t found = 0;
    std::error_code gone;
    std::filesystem::recursive_directory_iterator entry(folder, gone);
    for (; entry != std::filesystem::recursive_directory_iterator(); entry.increment(gone)) {
        if (!entry->is_regular_file(gone)) continue;
        const std::string bytes = bytes_of(entry->path());
        for (std::size_t at = bytes.find(text); at != std::string::npos;
             at = bytes.find(text, at + 1))
            ++found;
    }
    return found;
}

}  // namespace tests
