// Damages stored files at places chosen by a seed; the same call again takes a flip back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace tests::prove {

std::filesystem::path first_segment(const std::filesystem::path& data);
// Inside what is written, before the last half of it: never in the last group.
void flip_journal_byte(const std::filesystem::path& data, std::uint64_t seed);
// One byte in each file of the stores whose name holds this (".sst", ".log", "MANIFEST"); none is a
// mistake of the test.
void flip_store_bytes(const std::filesystem::path& stores, const std::string& kind,
                      std::uint64_t seed);
// As a power cut does that keeps only the beginning of what was not synced: the newest of RocksDB's
// logs of each store ends at a byte that the seed chooses. None that holds anything is a mistake.
void cut_store_logs(const std::filesystem::path& stores, std::uint64_t seed);

}  // namespace tests::prove
