#include "tools/export/kept_exports.hpp"

#include "bus/existing_files.hpp"

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

bus::Result<std::vector<fs::path>> kept_exports(const fs::path& exports, bus::TenantId tenant) {
    auto found = bus::entries_of(exports);
    if (!found) return found;
    std::erase_if(*found,
                  [&](const fs::path& one) { return !is_kept_export(exports, one, tenant); });
    return found;
}

}  // namespace tools::exports
