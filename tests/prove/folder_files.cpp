#include "tests/prove/folder_files.hpp"

#include "tests/support/files_holding.hpp"

namespace tests::prove {

FolderFiles files_of(const std::filesystem::path& folder) {
    FolderFiles files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
        if (entry.is_regular_file())
            files[entry.path().lexically_relative(folder)] = bytes_of(entry.path());
    return files;
}

std::string change_of(const FolderFiles& before, const FolderFiles& now) {
    const auto is_as_before = [&](const std::string& name, const std::string& bytes) {
        return before.contains(name) && (before.at(name) == bytes || name == "journal/lock");
    };
    for (const auto& [name, bytes] : now)
        if (!is_as_before(name, bytes)) return "wrote " + name;
    for (const auto& [name, bytes] : before)
        if (!now.contains(name) && name != "serving.json") return "removed " + name;
    return {};
}

}  // namespace tests::prove
