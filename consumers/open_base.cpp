#include "consumers/open_base.hpp"

#include <atomic>
#include <utility>

namespace consumers {

using projections::store::RowStore;

namespace {

namespace fs = std::filesystem;

// One process owns the folder of the stores, so its own count tells its openings apart.
fs::path next_directory(const ProjectorSetup& setup, bus::PartitionId partition) {
    static std::atomic<std::uint64_t> opened{0};
    return setup.stores / (base_name(partition, ++opened) + ".seed");
}

}  // namespace

OpenBase::OpenBase(fs::path directory) : directory_(std::move(directory)) {}

OpenBase::OpenBase(OpenBase&& other) noexcept
    : directory_(std::exchange(other.directory_, {})), rows_(std::move(other.rows_)) {}

OpenBase::~OpenBase() {
    rows_.reset();
    std::error_code ignored;  // a left-over goes at the next start
    if (!directory_.empty()) fs::remove_all(directory_, ignored);
}

bus::Result<OpenBase> OpenBase::open(const ProjectorSetup& setup, const Base& base) {
    OpenBase opened(next_directory(setup, base.position.partition));
    std::error_code ignored;
    fs::remove_all(opened.directory_, ignored);  // a left-over that could not be removed then
    if (auto copied = copy_base(base, opened.directory_); !copied) return copied.error();
    auto rows = RowStore::open(
        {.directory = opened.directory_, .partition = base.position.partition}, setup.shared);
    if (!rows) return rows.error();
    opened.rows_ = *std::move(rows);
    return opened;
}

}  // namespace consumers
