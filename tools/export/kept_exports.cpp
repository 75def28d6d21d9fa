#include "tools/export/kept_exports.hpp"

#include <algorithm>

namespace tools::exports {

namespace fs = std::filesystem;

namespace {

std::string front_of(bus::TenantId tenant) {
    return bus::to_string(tenant) + "-";
}

}  // namespace

fs::path kept_export(const fs::path& exports, bus::TenantId tenant, bus::Timestamp at) {
    const auto second = std::chrono::floor<bus::seconds>(at).time_since_epoch().count();
    return fs::absolute(exports / (front_of(tenant) + std::to_string(second)));
}

bool is_kept_export(const fs::path& exports, const fs::path& path, bus::TenantId tenant) {
    return path.filename().string().starts_with(front_of(tenant)) &&
           fs::absolute(path).parent_path() == fs::absolute(exports);
}

std::vector<fs::path> kept_exports(const fs::path& exports, bus::TenantId tenant) {
    std::vector<fs::path> found;
    std::error_code ignored;  // nothing was ever exported to there
    for (fs::directory_iterator at(exports, ignored), end; !ignored && at != end;
         at.increment(ignored))
        if (is_kept_export(exports, at->path(), tenant)) found.push_back(at->path());
    std::sort(found.begin(), found.end());
    return found;
}

}  // namespace tools::exports
