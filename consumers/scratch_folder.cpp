#include "consumers/scratch_folder.hpp"

#include <mutex>
#include <set>

namespace consumers {
namespace {

struct Taken {
    std::mutex mutex;
    std::set<std::filesystem::path> folders;  // guarded by mutex
};

Taken& taken() {
    static Taken taken;
    return taken;
}

}  // namespace

bus::Result<ScratchFolder> ScratchFolder::take(std::filesystem::path folder) {
    const std::lock_guard lock(taken().mutex);
    if (!taken().folders.insert(folder).second)
        return bus::fail(bus::ErrorCode::conflict, "{} is in use by other work of this process",
                         folder.string());
    return ScratchFolder(std::move(folder));
}

ScratchFolder::~ScratchFolder() {
    if (folder_.empty()) return;
    const std::lock_guard lock(taken().mutex);
    taken().folders.erase(folder_);
}

}  // namespace consumers
