// RocksDB's CRC-32C by the processor's instruction.
//
// It sums every byte of its write-ahead log and chooses at build time how; Debian builds it for
// processors without the instruction. The linker gives its calls to us (--wrap, CMakeLists.txt);
// where the processor lacks it they go on to RocksDB's own. The values are the same either way.
#include "bus/crc32c.hpp"

#include <cstddef>

// The names are the linker's: rocksdb::crc32c::Extend(uint32_t, const char*, size_t) as it is in
// the archive, with its prefixes.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" {

std::uint32_t __real__ZN7rocksdb6crc32c6ExtendEjPKcm(std::uint32_t crc, const char* bytes,
                                                     std::size_t size);
std::uint32_t __wrap__ZN7rocksdb6crc32c6ExtendEjPKcm(std::uint32_t crc, const char* bytes,
                                                     std::size_t size);

std::uint32_t __wrap__ZN7rocksdb6crc32c6ExtendEjPKcm(std::uint32_t crc, const char* bytes,
                                                     std::size_t size) {
    if (bus::has_crc32c_instruction()) return bus::crc32c({bytes, size}, crc);
    return __real__ZN7rocksdb6crc32c6ExtendEjPKcm(crc, bytes, size);
}
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
