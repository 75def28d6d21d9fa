#include "tools/backup/backup_list.hpp"

#include "bus/durable_file.hpp"
#include "schemas/json/json.hpp"
#include "tools/backup/durable_files.hpp"

#include <algorithm>

namespace tools::backup {

using bus::Done;
using bus::Result;

namespace {

constexpr schemas::json::Limits limits{
    .bytes_max = 64u << 20, .depth_max = 8, .keys_max = 1'000'000};

}  // namespace

Result<std::vector<ListedBackup>> read_backup_list(const std::filesystem::path& data) {
    std::vector<ListedBackup> backups;
    const auto text = read_whole(data / backup_list_name);
    if (!text && text.error().code == bus::ErrorCode::not_found) return backups;
    if (!text) return text.error();
    schemas::json::Parser parser;
    const auto json = parser.parse(*text, limits);
    if (!json)
        return bus::fail(bus::ErrorCode::corrupt, "{}: {}", (data / backup_list_name).string(),
                         json.error().message);
    (*json)["backups"].each_element([&](schemas::json::Value one) {
        backups.push_back({.folder = std::string(one["folder"].text()),
                           .name = std::string(one["name"].text()),
                           .created = bus::from_iso(one["created"].text()).value_or({}),
                           .with_keys = one["with_keys"].boolean().value_or(false),
                           .under_way = one["under_way"].boolean().value_or(false)});
    });
    return backups;
}

Result<Done> write_backup_list(const std::filesystem::path& data,
                               const std::vector<ListedBackup>& backups) {
    std::string text;
    schemas::json::Writer json(text);
    json.begin_object().key("backups").begin_array();
    for (const ListedBackup& one : backups) {
        json.begin_object()
            .member("folder", one.folder)
            .member("name", one.name)
            .member("created", one.created)
            .member("with_keys", one.with_keys)
            .member("under_way", one.under_way)
            .end_object();
    }
    json.end_array().end_object();
    return bus::write_durably(data / backup_list_name, text + "\n");
}

Result<Done> remove_from_backup_list(const std::filesystem::path& data, const std::string& folder,
                                     const std::vector<std::string>& names) {
    auto backups = read_backup_list(data);
    if (!backups) return backups.error();
    std::erase_if(*backups, [&](const ListedBackup& one) {
        return one.folder == folder &&
               std::find(names.begin(), names.end(), one.name) != names.end();
    });
    return write_backup_list(data, *backups);
}

}  // namespace tools::backup
