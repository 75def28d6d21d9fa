// What the killed child and the comparing parent agree on.
#pragma once

#include "bus/embedded/journal.hpp"

namespace tests::crash {

struct AckLine {
    std::uint64_t number, offset;
    std::uint32_t topic, partition;
};

inline bus::embedded::JournalOptions child_options(const std::filesystem::path& directory) {
    return {.directory = directory,
            .partitions = 4,
            .segment_bytes = 4u << 20,
            .reserve_bytes = 0,
            .tail_cache_bytes = 8u << 20};
}

}  // namespace tests::crash
