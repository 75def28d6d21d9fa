#include "bus/existing_files.hpp"

#include <algorithm>
#include <system_error>

namespace bus {
namespace {

namespace fs = std::filesystem;

Error not_known(const fs::path& path, const std::error_code& reason) {
    return fail(ErrorCode::unavailable, "{}: {}", path.string(), reason.message());
}

}  // namespace

Result<bool> is_there(const fs::path& path) {
    std::error_code failed;
    const bool there = fs::exists(path, failed);
    if (failed) return not_known(path, failed);
    return there;
}

Result<std::vector<fs::path>> entries_of(const fs::path& folder) {
    std::vector<fs::path> entries;
    std::error_code failed;
    for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed))
        entries.push_back(at->path());
    if (failed && failed != std::errc::no_such_file_or_directory) return not_known(folder, failed);
    std::sort(entries.begin(), entries.end());
    return entries;
}

}  // namespace bus
