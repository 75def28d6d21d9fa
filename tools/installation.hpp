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

class FolderLock {
public:
    // conflict: another process has it.
    static bus::Result<FolderLock> take(const std::filesystem::path& data);
    FolderLock(FolderLock&& other) noexcept;
    FolderLock& operator=(FolderLock&&) = delete;
    ~FolderLock();

private:
    explicit FolderLock(int descriptor) : descriptor_(descriptor) {}
    int descriptor_;
};

struct Installation {
    FolderLock lock;
    bus::crypto::Key256 master_key;
    std::string admin_key;
};

// What the `installation` file says. not_found: the folder was never served; corrupt.
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

// Opens or makes the folder. conflict: it was made with other partitions or another engine, or
// another process serves it; invalid_input: another format version, named.
bus::Result<Installation> open_installation(const ServeOptions& options);

}  // namespace tools
