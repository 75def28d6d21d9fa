// What a data folder is fixed to at its first start, and the keys that live in it.
//
//   DIR/installation   key=value lines: format, engine, partitions; id (not in folders of before
//                      it); log and kafka_prefix once a migration has moved it; of a journal that
//                      came from Kafka copies_before, and erase_again until the next start has
//                      done so
//   DIR/admin.key      the operator's API key (0600)
//   DIR/master.key     32 bytes that wrap every tenant's data key (0600): back it up
//   DIR/lock           held while a process serves the folder
#pragma once

#include "bus/crypto/sealing.hpp"
#include "bus/position.hpp"
#include "tools/options.hpp"

namespace tools {

inline constexpr int installation_format = 1;

// Everybody who writes into the folder holds its lock. What root made there meanwhile is the
// folder's owner's when it is let go, so that a service can go on after a command that root ran
// offline.
class FolderLock {
public:
    // conflict: another process has it.
    static bus::Result<FolderLock> take(const std::filesystem::path& data);
    // Whether somebody has it at this moment, in whatever container.
    static bool is_held(const std::filesystem::path& data);
    FolderLock(FolderLock&& other) noexcept;
    FolderLock& operator=(FolderLock&&) = delete;
    ~FolderLock();

private:
    FolderLock(int descriptor, std::filesystem::path data)
        : descriptor_(descriptor), data_(std::move(data)) {}
    int descriptor_;
    std::filesystem::path data_;
};

struct Installation {
    FolderLock lock;
    bus::crypto::Key256 master_key;
    std::string admin_key;
};

// What the `installation` file says. not_found: the file is not there, which is the only sign of a
// folder that was never served; unavailable: it cannot be read; invalid_input: another format
// version, named; corrupt.
struct Description {
    std::string engine;
    bus::PartitionId partitions = 0;
    // Of the one history of records that is written here: a copy that goes on by itself, as what
    // is restored, has another. Who remembers what the log holds remembers of which. May be "".
    std::string id{};
    std::string log{};  // where a migration moved it to, as --log takes it; "" = engine says all
    std::string kafka_prefix{};  // likewise
    // The journal is a copy, of a log that may have kept bodies that were to be erased.
    bool erase_again = false;
    // What stands before came from a log whose window misses copies (one for each partition).
    std::vector<bus::Position> copies_before{};
};
bus::Result<Description> read_description(const std::filesystem::path& data);
std::string new_installation_id();
// Whole or not at all: after a crash it is the old one or this. Makes the folder.
bus::Result<bus::Done> write_description(const std::filesystem::path& data,
                                         const Description& description);

// Opens or makes the folder. conflict: it was made with other partitions or another engine, another
// process serves it, or it holds data and no description; else as read_description, and likewise
// where a key cannot be read or is empty. Then no description or key has been written.
bus::Result<Installation> open_installation(const ServeOptions& options);

}  // namespace tools
