// DIR/backups.json: the backups that were made of a data folder, so that whoever erases a person
// can say where bytes of hers may still lie. An entry stands there before its backup does.
#pragma once

#include "bus/ids.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace tools::backup {

inline constexpr std::string_view backup_list_name = "backups.json";

struct ListedBackup {
    std::string folder;  // absolute
    std::string name;
    bus::Timestamp created{};
    bool with_keys = false;
};

bus::Result<std::vector<ListedBackup>> read_backup_list(const std::filesystem::path& data);
bus::Result<bus::Done> add_to_backup_list(const std::filesystem::path& data,
                                          const ListedBackup& listed);
bus::Result<bus::Done> remove_from_backup_list(const std::filesystem::path& data,
                                               const std::string& folder,
                                               const std::vector<std::string>& names);

}  // namespace tools::backup
