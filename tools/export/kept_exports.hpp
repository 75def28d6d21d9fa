// Exports for which no folder was named stay in the data folder, each of one client or of one of
// its customers: DIR/exports/TENANT-SECONDS, and with `.part` behind it what was cut off.
#pragma once

#include "bus/ids.hpp"
#include "bus/result.hpp"

#include <filesystem>
#include <vector>

namespace tools::exports {

inline constexpr std::string_view exports_folder = "exports";  // in the data folder

std::filesystem::path kept_export(const std::filesystem::path& exports, bus::TenantId tenant,
                                  bus::Timestamp at);
bool is_kept_export(const std::filesystem::path& exports, const std::filesystem::path& path,
                    bus::TenantId tenant);
// unavailable: what is there cannot be listed.
bus::Result<std::vector<std::filesystem::path>> kept_exports(const std::filesystem::path& exports,
                                                             bus::TenantId tenant);

}  // namespace tools::exports
