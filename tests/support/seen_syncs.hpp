// What is synced, in its order, while one of these lives: fsync() is the program's own where
// seen_syncs.cpp is linked. The disks of tests/support know files of one folder only.
// Threads: any that sync, one of these at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace tests {

enum class Syncing : std::uint8_t { works, fails };

class SeenSyncs {
public:
    explicit SeenSyncs(Syncing syncing = Syncing::works);
    ~SeenSyncs();
    SeenSyncs(const SeenSyncs&) = delete;
    SeenSyncs& operator=(const SeenSyncs&) = delete;

    std::vector<std::filesystem::path> seen() const;
};

}  // namespace tests
