// Chooses the reader of a file: by the format that was asked for, or by what stands in it.
#pragma once

#include "schemas/import_formats/import_reader.hpp"
#include "schemas/import_formats/json_list_reader.hpp"

#include <filesystem>
#include <vector>

namespace schemas::import_formats {

struct OpenOptions {
    std::string format =
        "auto";          // auto, ndjson, records, csv, mbox, mail, maildir, or one of json_lists
    char delimiter = 0;  // of CSV; 0 = by the header row
    std::vector<JsonListFormat> json_lists{};  // that the command knows by name
    std::string json_list_of_source{};         // what `auto` takes for JSON that is no NDJSON
};

struct OpenedFile {
    std::string format;  // the one that was taken
    std::unique_ptr<ImportReader> reader;
    std::uint64_t bytes = 0;  // of the whole file or directory
    // Changes when the file does: its size and beginning, or the names in the directory.
    std::string identity;
};

// invalid_input: empty, compressed, UTF-16, of no format that is known; not_found, unavailable.
bus::Result<OpenedFile> open_file(const std::filesystem::path& path, const OpenOptions& options);

}  // namespace schemas::import_formats
