#include "tools/import/refused_file.hpp"

#include "schemas/json/json.hpp"

#include <cerrno>
#include <cstring>

namespace tools::import {

using bus::Done;
using bus::ErrorCode;
using bus::Result;

namespace fs = std::filesystem;

namespace {

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
    refused.path_ = stem + ".refused.ndjson";
    std::error_code none;
    for (int number = 2; fs::exists(refused.path_, none); ++number)
        refused.path_ = fmt::format("{}.refused-{}.ndjson", stem, number);
    return refused;
}

Result<RefusedFile> RefusedFile::resume(const fs::path& path, std::uint64_t bytes) {
    RefusedFile refused;
    refused.path_ = path;
    refused.bytes_ = bytes;
    std::error_code failed;
    if (bytes == 0) {
        fs::remove(path, failed);
        return refused;
    }
    fs::resize_file(path, bytes, failed);
    if (failed) return bus::fail(ErrorCode::unavailable, "{}: {}", path.string(), failed.message());
    if (auto opened = refused.open("ab"); !opened) return opened.error();
    return refused;
}

Result<Done> RefusedFile::open(const char* mode) {
    out_.reset(std::fopen(path_.c_str(), mode));
    if (!out_)
        return bus::fail(ErrorCode::unavailable, "{}: {}", path_.string(), std::strerror(errno));
    return Done{};
}

Result<Done> RefusedFile::add(const Refusal& refusal, std::string_view record,
                              std::string_view original) {
    if (!out_)
        if (auto opened = open("wb"); !opened) return opened;
    const std::string line = line_of(refusal, record, original);
    if (std::fwrite(line.data(), 1, line.size(), out_.get()) != line.size())
        return bus::fail(ErrorCode::unavailable, "{}: {}", path_.string(), std::strerror(errno));
    bytes_ += line.size();
    return Done{};
}

Result<Done> RefusedFile::flush() {
    if (out_ && std::fflush(out_.get()) != 0)
        return bus::fail(ErrorCode::unavailable, "{}: {}", path_.string(), std::strerror(errno));
    return Done{};
}

}  // namespace tools::import
