#include "projections/store/store_dump.hpp"

#include "bus/ids.hpp"
#include "bus/text.hpp"

#include <rocksdb/db.h>

#include <memory>

namespace projections::store {
namespace {

constexpr std::size_t scope_bytes = 10;  // instance (2), tenant (8)

std::string key_text(std::string_view key) {
    if (key.size() < scope_bytes) return "key=" + bus::to_hex(key);
    std::uint64_t tenant = 0;
    for (const char c : key.substr(2, 8)) tenant = tenant << 8 | static_cast<unsigned char>(c);
    const unsigned instance =
        static_cast<unsigned char>(key[0]) * 256u + static_cast<unsigned char>(key[1]);
    return fmt::format("instance={} tenant={} key={}", instance,
                       bus::to_string(bus::TenantId{tenant}), bus::to_hex(key.substr(scope_bytes)));
}

// The default family holds the store's own names, the others complete keys.
std::string key_of(const rocksdb::ColumnFamilyHandle& family, std::string_view key) {
    if (family.GetName() == rocksdb::kDefaultColumnFamilyName) return "name=" + std::string(key);
    return key_text(key);
}

}  // namespace

bus::Result<bus::Done> dump_store(const std::filesystem::path& directory, std::string_view prefix,
                                  std::size_t limit,
                                  const std::function<void(std::string_view)>& line) {
    const auto folder =
        std::filesystem::exists(directory / "rows") ? directory / "rows" : directory;
    const auto start = bus::from_hex(prefix);
    if (!start) return start.error();
    std::vector<std::string> names;
    if (!rocksdb::DB::ListColumnFamilies({}, folder.string(), &names).ok()) {
        return bus::fail(bus::ErrorCode::not_found, "{} holds no store", directory.string());
    }
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    families.reserve(names.size());
    for (const std::string& name : names)
        families.emplace_back(name, rocksdb::ColumnFamilyOptions{});
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* opened = nullptr;
    const auto status =
        rocksdb::DB::OpenForReadOnly({}, folder.string(), families, &handles, &opened);
    if (!status.ok())
        return bus::fail(bus::ErrorCode::corrupt, "{}: {}", directory.string(), status.ToString());
    const std::unique_ptr<rocksdb::DB> db(opened);
    std::size_t shown = 0;
    for (rocksdb::ColumnFamilyHandle* family : handles) {
        const std::unique_ptr<rocksdb::Iterator> row(db->NewIterator({}, family));
        for (row->Seek(*start); row->Valid() && shown < limit && row->key().starts_with(*start);
             row->Next(), ++shown) {
            line(fmt::format("table={} {} value={}", family->GetName(),
                             key_of(*family, row->key().ToStringView()),
                             row->value().ToStringView()));
        }
    }
    for (rocksdb::ColumnFamilyHandle* family : handles) db->DestroyColumnFamilyHandle(family);
    return bus::Done{};
}

}  // namespace projections::store
