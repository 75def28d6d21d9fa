// Imports one file into a source of a running instance: reads ahead, sends chunk after chunk,
// writes what is refused beside the file, keeps a state by which a killed run goes on.
#pragma once

#include "schemas/import_formats/open_file.hpp"
#include "tools/import/import_report.hpp"
#include "tools/jobs/job_run.hpp"
#include "tools/running_instance.hpp"

namespace tools::import {

struct ImportOptions {
    std::filesystem::path data;  // folder of the running instance
    std::string tenant;          // code
    std::string source;          // slug; "" = each record names its own
    bool dry_run = false;
    bool keep_all = false;
    schemas::import_formats::OpenOptions open{};
    // State and refusals are named after this; "" = after the file.
    std::filesystem::path beside{};
};

struct FileReport {
    std::string file;
    std::string format;
    ImportCounts counts;
    std::string refused_file;
    std::uint64_t continued_at = 0;  // items that an earlier run had done
};
std::string to_json(const FileReport& report);

// While the instance is away (it may be starting again) a chunk is tried again for this long.
inline constexpr bus::milliseconds retry_max{30'000};

// cancelled: the state says where to go on. invalid_input: the file cannot be read as it is, or the
// source does not take records. unavailable: the instance stays away, or the disk is full.
bus::Result<FileReport> import_file(const std::filesystem::path& file, const ImportOptions& options,
                                    jobs::JobRun& run);

}  // namespace tools::import
