#include "projections/store/sorted_files.hpp"

#include "projections/store/rocks_options.hpp"

#include <rocksdb/sst_file_writer.h>

#include <algorithm>

namespace projections::store {

namespace {

namespace fs = std::filesystem;
using bus::Done;
using bus::ErrorCode;
using bus::Result;

constexpr std::uint64_t file_bytes_max = 64 << 20;
constexpr std::uint64_t told_every_rows = 20'000;
constexpr std::size_t memtable_bytes_unused = 1 << 20;  // files are written directly

std::string after(std::string prefix) {
    while (!prefix.empty() && prefix.back() == '\xff') prefix.pop_back();
    if (!prefix.empty()) prefix.back() = static_cast<char>(prefix.back() + 1);
    return prefix;
}

// The files of one table, one after the other.
class TableFiles {
public:
    TableFiles(const rocksdb::Options& options, fs::path stem, std::vector<fs::path>& files)
        : options_(options), stem_(std::move(stem)), files_(files) {}

    Result<Done> add(std::string_view key, std::string_view value) {
        if (!writer_)
            if (auto begun = begin(); !begun) return begun;
        const rocksdb::Status status =
            writer_->Put({key.data(), key.size()}, {value.data(), value.size()});
        if (!status.ok()) return failed(status);
        if (writer_->FileSize() >= file_bytes_max) return end();
        return Done{};
    }
    Result<Done> end() {
        if (!writer_) return Done{};
        const rocksdb::Status status = writer_->Finish();
        writer_.reset();
        if (!status.ok()) return failed(status);
        return Done{};
    }

private:
    Result<Done> begin() {
        files_.push_back(fmt::format("{}-{}.sst", stem_.string(), files_.size() + 1));
        writer_ = std::make_unique<rocksdb::SstFileWriter>(rocksdb::EnvOptions{}, options_);
        const rocksdb::Status status = writer_->Open(files_.back().string());
        if (!status.ok()) return failed(status);
        return Done{};
    }
    bus::Error failed(const rocksdb::Status& status) const {
        return bus::fail(status.IsInvalidArgument() ? ErrorCode::corrupt : ErrorCode::unavailable,
                         "write {}: {}", files_.empty() ? stem_.string() : files_.back().string(),
                         status.ToString());
    }

    const rocksdb::Options& options_;
    const fs::path stem_;
    std::vector<fs::path>& files_;
    std::unique_ptr<rocksdb::SstFileWriter> writer_;
};

Result<Done> prepare(const fs::path& directory) {
    std::error_code error;
    fs::remove_all(directory, error);
    if (!error) fs::create_directories(directory, error);
    if (error)
        return bus::fail(ErrorCode::unavailable, "prepare {}: {}", directory.string(),
                         error.message());
    return Done{};
}

}  // namespace

Result<SortedFiles> write_sorted_files(const Snapshot& rows, std::vector<std::string> prefixes,
                                       const fs::path& directory, const SharedResources& shared,
                                       const std::function<bool(std::uint64_t)>& wrote) {
    if (auto prepared = prepare(directory); !prepared) return prepared.error();
    std::sort(prefixes.begin(), prefixes.end());
    SortedFiles files;
    std::uint64_t told = 0;
    std::optional<bus::Error> failed;
    const auto tell = [&] {
        if (!wrote(files.rows - std::exchange(told, files.rows)))
            failed = bus::fail(ErrorCode::cancelled, "writing of sorted files was stopped");
    };
    for (std::uint8_t table = 0; table < files.of_table.size() && !failed; ++table) {
        rocksdb::Options options(database_options(shared),
                                 table_options(shared, memtable_bytes_unused, lookup_of(table)));
        options.compression = rocksdb::kLZ4Compression;
        TableFiles out(options, directory / fmt::format("table-{}", table), files.of_table[table]);
        for (const std::string& prefix : prefixes) {
            if (failed) break;
            rows.scan(table, prefix, after(prefix), false,
                      [&](std::string_view key, std::string_view value) {
                          if (auto added = out.add(key, value); !added) failed = added.error();
                          if (!failed && ++files.rows % told_every_rows == 0) tell();
                          return !failed;
                      });
            // What lies between two prefixes is not in the way of a file.
            if (auto ended = out.end(); !ended && !failed) failed = ended.error();
        }
    }
    if (!failed && rows.failure()) failed = *rows.failure();
    if (!failed) tell();
    if (failed) return *failed;
    return files;
}

}  // namespace projections::store
