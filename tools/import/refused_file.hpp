// What an import refused, one JSON object a line: "refused" says where it stood and why, the other
// members are the record. Mended, the file can be imported itself (format records).
#pragma once

#include "bus/result.hpp"
#include "schemas/import_formats/import_reader.hpp"

#include <cstdio>
#include <filesystem>
#include <memory>

namespace tools::import {

struct Refusal {
    std::string place, code, path, reason;
};

class RefusedFile {
public:
    // Of a new import: FILE.refused.ndjson, or with the first free number when that is there (it
    // may have been mended). Made by the first refusal.
    static RefusedFile beside(const std::filesystem::path& file);
    // Of one that goes on, with `bytes` in `path` that belong to what is done. What stands behind
    // them a run that was killed has written, which comes again then, or a user who mended it.
    // Nothing is ever cut: from the first line on that is another, refusals go into a new file, as
    // they do where the file is shorter or gone. unavailable.
    static bus::Result<RefusedFile> resume(const std::filesystem::path& file,
                                           const std::filesystem::path& path, std::uint64_t bytes);

    bus::Result<bus::Done> add(const Refusal& refusal, std::string_view record,
                               std::string_view original);
    bus::Result<bus::Done> flush();
    const std::filesystem::path& path() const { return path_; }
    std::uint64_t bytes() const { return bytes_; }

private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    bus::Result<bus::Done> append(std::string_view text);
    void leave_as_it_is();

    std::filesystem::path file_;  // that is imported
    std::filesystem::path path_;
    std::string found_;    // behind bytes_ when resumed
    std::size_t met_ = 0;  // of it, that has come again
    std::unique_ptr<std::FILE, Close> out_;
    std::uint64_t bytes_ = 0;
};

}  // namespace tools::import
