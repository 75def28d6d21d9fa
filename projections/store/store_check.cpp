#include "projections/store/store_check.hpp"

#include "bus/existing_files.hpp"
#include "projections/store/store_format.hpp"

#include <rocksdb/db.h>

#include <memory>

namespace projections::store {
namespace {

namespace fs = std::filesystem;
using bus::ErrorCode;

bus::Error broken(const fs::path& directory, const rocksdb::Status& status) {
    return bus::fail(ErrorCode::corrupt, "store {} does not open: {}", directory.string(),
                     status.ToString());
}

}  // namespace

bus::Result<bus::Position> check_store(const fs::path& directory, bus::PartitionId partition,
                                       bool thorough) {
    const auto has_rows = bus::is_there(rows_directory(directory));
    if (!has_rows) return has_rows.error();
    if (!*has_rows) return bus::fail(ErrorCode::not_found, "{} holds no store", directory.string());
    if (auto format = prepare_directory(directory, partition); !format) return format.error();
    const std::string folder = rows_directory(directory).string();
    std::vector<std::string> names;
    rocksdb::Status status = rocksdb::DB::ListColumnFamilies({}, folder, &names);
    if (!status.ok()) return broken(directory, status);
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    families.reserve(names.size());
    for (const std::string& name : names)
        families.emplace_back(name, rocksdb::ColumnFamilyOptions{});
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* opened = nullptr;
    status = rocksdb::DB::OpenForReadOnly({}, folder, families, &handles, &opened);
    if (!status.ok()) return broken(directory, status);
    const std::unique_ptr<rocksdb::DB> db(opened);
    if (thorough) status = db->VerifyChecksum();
    std::string bytes;
    if (status.ok()) status = db->Get({}, handles[0], checkpoint_key, &bytes);
    for (rocksdb::ColumnFamilyHandle* family : handles) db->DestroyColumnFamilyHandle(family);
    if (status.IsNotFound()) return bus::Position{.partition = partition};
    if (!status.ok()) return broken(directory, status);
    return bus::decode_checkpoint(bytes);
}

}  // namespace projections::store
