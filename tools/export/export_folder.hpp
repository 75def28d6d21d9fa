// A folder of an export: files with their hashes, whole or not there.
//
//   manifest.json     what it is of, the position at which it was taken, and of each file its name,
//                     bytes, records and sha256. Version 1.
//   tenant.json, sources.ndjson, mappings.ndjson, records.ndjson, events.ndjson, rows/*.ndjson
//
// Written as DIR.part, synced and renamed at the end. Errors: conflict (DIR holds something; or a
// DIR.part is left of an export that was cut off), unavailable (no room, no right).
#pragma once

#include "bus/crypto/digest_stream.hpp"

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tools::exports {

inline constexpr int manifest_version = 1;

struct ExportedFile {
    std::string name;  // below the folder
    std::uint64_t bytes = 0;
    std::uint64_t records = 0;
    std::string sha256;  // hex
};

class ExportFile {
public:
    static bus::Result<ExportFile> create(const std::filesystem::path& folder, std::string name);
    bus::Result<bus::Done> line(std::string_view text);  // a record; the LF is added
    bus::Result<ExportedFile> close();                   // synced
    const ExportedFile& so_far() const { return told_; }

private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    bus::Error failed() const;

    std::filesystem::path path_;
    std::unique_ptr<std::FILE, Close> out_;
    bus::crypto::Sha256Stream hash_;
    ExportedFile told_;
};

class ExportFolder {
public:
    // `restart`: a DIR.part of an export that was cut off is thrown away and begun anew.
    static bus::Result<ExportFolder> begin(const std::filesystem::path& target, bool restart);

    bus::Result<ExportFile> file(std::string name) const;
    void add(ExportedFile file) { files_.push_back(std::move(file)); }
    const std::vector<ExportedFile>& files() const { return files_; }
    const std::filesystem::path& part() const { return part_; }
    // Writes the manifest, of which `head` is the first members (`"kind":"tenant",...`), and gives
    // the folder its name.
    bus::Result<bus::Done> finish(std::string_view head);
    void give_up();  // removes what was written

private:
    std::filesystem::path target_, part_;
    std::vector<ExportedFile> files_;
};

// What finish() wrote, with every file read again. corrupt: a file that is not what the manifest
// says, by name.
struct CheckedExport {
    std::string manifest;  // JSON
    std::vector<ExportedFile> files;
};
bus::Result<CheckedExport> check_export(const std::filesystem::path& folder);

}  // namespace tools::exports
