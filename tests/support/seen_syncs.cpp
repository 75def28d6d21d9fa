#include "tests/support/seen_syncs.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <mutex>

namespace {

std::mutex mutex;
std::vector<std::filesystem::path> synced;  // guarded by mutex
std::atomic<bool> syncing_fails{false};

}  // namespace

extern "C" int fsync(int file) {
    if (syncing_fails) return errno = EIO, -1;
    {
        std::lock_guard lock(mutex);
        synced.push_back(std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(file)));
    }
    return static_cast<int>(::syscall(SYS_fsync, file));
}

namespace tests {

SeenSyncs::SeenSyncs(Syncing syncing) {
    std::lock_guard lock(mutex);
    synced.clear();
    syncing_fails = syncing == Syncing::fails;
}

SeenSyncs::~SeenSyncs() {
    syncing_fails = false;
}

std::vector<std::filesystem::path> SeenSyncs::seen() const {
    std::lock_guard lock(mutex);
    return synced;
}

}  // namespace tests
