// DIR/backups.json: the backups that were made of a data folder, so that whoever erases a person
// can say where bytes of hers may still lie. An entry stands there before the first copy is made.
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
    bool under_way = false;  // being made, or cut off: then the next one there takes the entry out
};

bus::Result<std::vector<ListedBackup>> read_backup_list(const std::filesystem::path& data);
bus::Result<bus::Done> write_backup_list(const std::filesystem::path& data,
                                         const std::vector<ListedBackup>& backups);
bus::Result<bus::Done> remove_from_backup_list(const std::filesystem::path& data,
                                               const std::string& folder,
                                               const std::vector<std::string>& names);

}  // namespace tools::backup
