#include "tools/import/refused_file.hpp"

#include "bus/logging.hpp"
#include "schemas/json/json.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace tools::import {

using bus::Done;
using bus::ErrorCode;
using bus::Result;

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t found_bytes_max = 64 << 20;  // of one chunk it is far less

std::string line_of(const Refusal& refusal, std::string_view record, std::string_view original) {
    std::string line;
    schemas::json::Writer json(line);
    json.begin_object().key("refused").begin_object().member("place", refusal.place);
    json.member("code", refusal.code);
    if (!refusal.path.empty()) json.member("path", refusal.path);
    json.member("reason", refusal.reason);
    if (record.empty()) json.member("original", original);
    json.end_object().end_object();
    if (!record.empty()) {  // the members of the record in the same object
        line.back() = ',';
        line += record.substr(1);
    }
    line += '\n';
    return line;
}

}  // namespace

RefusedFile RefusedFile::beside(const fs::path& file) {
    const std::string stem = (file.has_filename() ? file : file.parent_path()).string();
    RefusedFile refused;
    refused.file_ = file;
    refused.path_ = stem + ".refused.ndjson";
    std::error_code none;
    for (int number = 2; fs::exists(refused.path_, none); ++number)
        refused.path_ = fmt::format("{}.refused-{}.ndjson", stem, number);
    return refused;
}

Result<RefusedFile> RefusedFile::resume(const fs::path& file, const fs::path& path,
                                        std::uint64_t bytes) {
    RefusedFile refused;
    refused.file_ = file;
    refused.path_ = path;
    refused.bytes_ = bytes;
    std::error_code none;
    const std::uint64_t size = fs::file_size(path, none);
    if (none && bytes == 0) return refused;
    if (none || size < bytes || size - bytes > found_bytes_max) {
        refused.leave_as_it_is();
        return refused;
    }
    std::ifstream in(path, std::ios::binary);
    in.seekg(static_cast<std::streamoff>(bytes));
    refused.found_.resize(size - bytes);
    if (!in.read(refused.found_.data(), static_cast<std::streamsize>(refused.found_.size())))
        return bus::fail(ErrorCode::unavailable, "{} cannot be read", path.string());
    return refused;
}

void RefusedFile::leave_as_it_is() {
    const fs::path left = path_;
    *this = beside(file_);
    bus::logging::warn("refused_file_changed",
                       {{"file", left.string()}, {"goes_on_in", path_.string()}});
}

Result<Done> RefusedFile::append(std::string_view text) {
    if (!out_) out_.reset(std::fopen(path_.c_str(), "ab"));
    if (!out_ || std::fwrite(text.data(), 1, text.size(), out_.get()) != text.size())
        return bus::fail(ErrorCode::unavailable, "{}: {}", path_.string(), std::strerror(errno));
    bytes_ += text.size();
    return Done{};
}

Result<Done> RefusedFile::add(const Refusal& refusal, std::string_view record,
                              std::string_view original) {
    const std::string line = line_of(refusal, record, original);
    const std::string_view found = std::string_view(found_).substr(met_);
    const std::size_t there = std::min(found.size(), line.size());
    if (found.substr(0, there) == std::string_view(line).substr(0, there)) {
        met_ += there;  // the killed run may have written a part of it
        bytes_ += there;
        return there < line.size() ? append(std::string_view(line).substr(there)) : Done{};
    }
    leave_as_it_is();
    return append(line);
}

Result<Done> RefusedFile::flush() {
    if (out_ && std::fflush(out_.get()) != 0)
        return bus::fail(ErrorCode::unavailable, "{}: {}", path_.string(), std::strerror(errno));
    return Done{};
}

}  // namespace tools::import
