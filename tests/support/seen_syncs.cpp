#include "tests/support/seen_syncs.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace {

std::vector<std::filesystem::path> synced;
bool syncing_fails = false;

}  // namespace

extern "C" int fsync(int file) {
    if (syncing_fails) return errno = EIO, -1;
    synced.push_back(std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(file)));
    return static_cast<int>(::syscall(SYS_fsync, file));
}

namespace tests {

SeenSyncs::SeenSyncs(Syncing syncing) {
    synced.clear();
    syncing_fails = syncing == Syncing::fails;
}

SeenSyncs::~SeenSyncs() {
    syncing_fails = false;
}

const std::vector<std::filesystem::path>& SeenSyncs::seen() const {
    return synced;
}

}  // namespace tests
