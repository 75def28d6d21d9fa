#include "tools/export/export_folder.hpp"

#include "bus/durable_file.hpp"
#include "bus/text.hpp"
#include "schemas/json/json.hpp"
#include "tools/backup/durable_files.hpp"
#include "tools/output_folder.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tools::exports {

using bus::Done;
using bus::ErrorCode;
using bus::Result;

namespace fs = std::filesystem;

Result<ExportFile> ExportFile::create(const fs::path& folder, std::string name) {
    ExportFile file;
    file.path_ = folder / name;
    file.told_.name = std::move(name);
    if (auto made = make_directories(file.path_.parent_path()); !made) return made.error();
    file.out_.reset(std::fopen(file.path_.c_str(), "wb"));
    if (!file.out_) return file.failed();
    return file;
}

bus::Error ExportFile::failed() const {
    return bus::fail(ErrorCode::unavailable, "{}: {}", path_.string(), std::strerror(errno));
}

Result<Done> ExportFile::line(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), out_.get()) != text.size() ||
        std::fputc('\n', out_.get()) == EOF)
        return failed();
    hash_.add(text);
    hash_.add("\n");
    told_.bytes += text.size() + 1;
    ++told_.records;
    return Done{};
}

Result<ExportedFile> ExportFile::close() {
    if (std::fflush(out_.get()) != 0 || ::fsync(::fileno(out_.get())) != 0) return failed();
    out_.reset();
    const auto digest = hash_.end();
    told_.sha256 = bus::to_hex(bus::crypto::view(digest));
    return told_;
}

Result<ExportFolder> ExportFolder::begin(const fs::path& target, bool restart) {
    std::error_code none;
    if (fs::exists(target, none) && !fs::is_empty(target, none))
        return bus::fail(ErrorCode::conflict, "{} holds something already; name a new folder",
                         target.string());
    ExportFolder folder;
    folder.target_ = target;
    folder.part_ = target.string() + ".part";
    if (fs::exists(folder.part_, none)) {
        if (!restart)
            return bus::fail(ErrorCode::conflict,
                             "{} is left of an export that was cut off; --continue begins it anew",
                             folder.part_.string());
        if (auto removed = remove_tree(folder.part_); !removed) return removed.error();
    }
    if (auto made = make_output_folder(folder.part_); !made) return made.error();
    return folder;
}

Result<ExportFile> ExportFolder::file(std::string name) const {
    return ExportFile::create(part_, std::move(name));
}

Result<Done> ExportFolder::finish(std::string_view head) {
    std::string text = fmt::format("{{\"version\":{},{},\"files\":[", manifest_version, head);
    for (std::size_t i = 0; i < files_.size(); ++i) {
        if (i > 0) text += ',';
        schemas::json::Writer json(text);
        json.begin_object().member("name", files_[i].name);
        json.key("bytes").unsigned_integer(files_[i].bytes);
        json.key("records").unsigned_integer(files_[i].records);
        json.member("sha256", files_[i].sha256).end_object();
    }
    text += "]}\n";
    if (auto written = bus::write_durably(part_ / "manifest.json", text); !written) return written;
    std::error_code none;
    fs::remove(target_, none);  // when it is there it is empty
    return bus::rename_durably(part_, target_);
}

void ExportFolder::give_up() {
    (void)remove_tree(part_);  // what stays is refused by the next export, by name
}

Result<CheckedExport> check_export(const fs::path& folder) {
    auto text = read_whole(folder / "manifest.json");
    if (!text)
        return bus::fail(text.error().code, "{}; is {} a folder that `tributary export` made?",
                         text.error().message, folder.string());
    schemas::json::Parser parser;
    const auto json = parser.parse(*text, {.bytes_max = text->size() + 1, .keys_max = 1'000'000});
    if (!json) return json.error();
    if ((*json)["version"].integer() != manifest_version)
        return bus::fail(ErrorCode::invalid_input, "manifest version {}, this program reads {}",
                         (*json)["version"].scalar_text(), manifest_version);
    CheckedExport checked{.manifest = *text, .files = {}};
    (*json)["files"].each_element([&](schemas::json::Value file) {
        checked.files.push_back(
            {.name = std::string(file["name"].text()),
             .bytes = static_cast<std::uint64_t>(file["bytes"].integer().value_or(0)),
             .records = static_cast<std::uint64_t>(file["records"].integer().value_or(0)),
             .sha256 = std::string(file["sha256"].text())});
    });
    for (const ExportedFile& file : checked.files) {
        const auto hashed =
            hash_file(folder / file.name, file.bytes + 1, [](std::uint64_t) { return true; });
        if (!hashed) return hashed.error();
        if (hashed->bytes != file.bytes || hashed->sha256 != file.sha256)
            return bus::fail(ErrorCode::corrupt,
                             "{} is not what the manifest says: it was cut or changed",
                             (folder / file.name).string());
    }
    return checked;
}

}  // namespace tools::exports
