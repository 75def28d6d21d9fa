// The kinds of calls that fail, and how often each was made.
#pragma once

#include "tests/prove/nth_call_judge.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

namespace tests::prove {

// As PROVE_COUNTS has them (failing_calls.c).
inline constexpr std::array<std::string_view, 23> counted{
    "open",   "read", "write", "sync", "rename", "truncate", "remove", "mkdir",
    "stat",   "list", "link",  "copy", "lock",   "space",    "socket", "connect",
    "accept", "recv", "send",  "poll", "spawn",  "memory",   "mmap"};
using Counts = std::array<std::uint64_t, counted.size()>;

std::size_t place_of(const std::string& call);
Counts counts_in(const std::filesystem::path& file);
// For each kind the one in the middle.
Counts middle_of(std::vector<Counts> lives);
Counts least_of(const std::vector<Counts>& lives);

// Files and sockets of ours, and memory. RocksDB, Poco, Asio and librdkafka make some of these.
std::vector<FailingCall> failing_calls(bool on_kafka);

}  // namespace tests::prove
