#include "bus/crc32c.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>

namespace rocksdb::crc32c {
// RocksDB's name, led to ours.  NOLINTNEXTLINE(readability-identifier-naming)
std::uint32_t Extend(std::uint32_t crc, const char* bytes, std::size_t size);
}  // namespace rocksdb::crc32c
// RocksDB's own, which the linker keeps under this name.
extern "C" std::uint32_t __real__ZN7rocksdb6crc32c6ExtendEjPKcm(  // NOLINT
    std::uint32_t crc, const char* bytes, std::size_t size);

TEST_CASE("the checksum of the store's log is RocksDB's own at every length, place and start") {
    CHECK(rocksdb::crc32c::Extend(0, "123456789", 9) == 0xE3069283u);
    std::mt19937 random{7};
    std::string bytes(70'000, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    const auto check = [&](std::size_t from, std::size_t size) {
        const auto start = static_cast<std::uint32_t>(random());
        CAPTURE(from);
        CAPTURE(size);
        CHECK(rocksdb::crc32c::Extend(start, bytes.data() + from, size) ==
              __real__ZN7rocksdb6crc32c6ExtendEjPKcm(start, bytes.data() + from, size));
    };
    for (std::size_t size = 0; size < 300; ++size) check(size % 16, size);
    for (int i = 0; i < 50; ++i) check(random() % 100, random() % 69'000);
}
